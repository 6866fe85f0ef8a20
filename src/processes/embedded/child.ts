import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { TwinportError } from '../../model/failure.ts';
import { logStart, tailOf } from './tail.ts';

/** How a server process is to be run. */
export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the child; nothing else is handed on. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
  /** Where its output is appended; absent: only the last 8 KiB are kept, for error messages. */
  readonly logFile?: string;
  /** What asks it to end; SIGTERM if absent. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT' | 'SIGQUIT';
  /** Asked every 25 ms until it says true. */
  readonly readyWhen: () => Promise<boolean>;
  /** How long that may take, in milliseconds; 30,000 if absent. */
  readonly readyTimeoutMs?: number;
  /** Told once the process is there, ready or not. */
  readonly onSpawn?: (() => void) | undefined;
}

/** How a process ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A server process that lives no longer than ours. */
export interface Child {
  readonly pid: number;
  /** Settles when the process has ended, by itself or by `stop`; never rejects. */
  readonly exited: Promise<ChildEnd>;
  /** Asks it to end, kills it after `graceMs`, and resolves once it and its watcher are gone. */
  stop(graceMs?: number): Promise<void>;
}

const POLL_MS = 25;
const READY_MS = 30_000;
const GRACE_MS = 5_000;

/*
 * The shell forks a watcher and then becomes the server (exec), so that the pid that we know is the server's. The watcher is orphaned
 * at once (a double fork: PostgreSQL must not find a strange child of its own), stays in the server's process group, and blocks on our
 * end of fd 3. That end closes with our process, however it dies; then the group is asked to end, and killed after 3 seconds. As long as
 * the watcher lives, the kernel gives the group's number to nobody else.
 */
const WATCHED = `
stop=$1; shift
( ( trap '' HUP INT QUIT TERM
    read -r _ <&3
    kill -s "$stop" -- "-$$"
    n=0; while kill -0 "$$" && [ "$n" -lt 30 ]; do sleep 0.1; n=$((n+1)); done
    kill -s KILL -- "-$$"
  ) </dev/null >/dev/null 2>&1 & )
exec 3>&-
exec "$@"`;

/**
 * Starts a server process that ends within 5 s of ours, even if ours is killed with SIGKILL, and that no Ctrl-C of the terminal reaches.
 * @returns once `readyWhen` says so
 * @throws {TwinportError} UNREACHABLE (it ended, or was not ready in time; the message has the end of its output)
 */
export async function spawnChild(options: ChildOptions): Promise<Child> {
  const log = options.logFile === undefined ? undefined : logStart(options.logFile);
  const process = start(options);
  options.onSpawn?.();
  const output = tailOf(process, log);
  const child = ownedChild(process, options.stopSignal ?? 'SIGTERM');
  try {
    await becomeReady(options, child);
  } catch (cause) {
    await child.stop(500);
    const reason = typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : String(cause);
    throw new TwinportError('UNREACHABLE', `${options.command} did not start: ${reason}${output()}`, { cause });
  }
  return child;
}

function start(options: ChildOptions): ChildProcess {
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, 'a', 0o600);
  const signal = (options.stopSignal ?? 'SIGTERM').replace('SIG', '');
  try {
    return spawn('/bin/sh', ['-c', WATCHED, 'twinport', signal, options.command, ...options.args], {
      env: options.env,
      cwd: options.cwd,
      ...(options.uid === undefined ? {} : { uid: options.uid }),
      ...(options.gid === undefined ? {} : { gid: options.gid }),
      // A session of its own: the terminal's Ctrl-C goes to us alone, and we end our servers in good order.
      detached: true,
      stdio: ['ignore', log ?? 'pipe', log ?? 'pipe', 'pipe'],
    });
  } finally {
    if (log !== undefined) closeSync(log);
  }
}

function ownedChild(process: ChildProcess, stopSignal: NodeJS.Signals): Child {
  const lifeline = process.stdio[3] as Socket;
  const exited = new Promise<ChildEnd>((resolve) => {
    process.once('error', () => resolve({ code: 127, signal: null }));
    process.once('exit', (code, signal) => resolve({ code, signal }));
  });
  // The watcher holds the other end; it closes when the watcher has ended.
  const watcherGone = new Promise<void>((resolve) => lifeline.once('close', () => resolve()));
  lifeline.on('error', () => undefined).resume();
  void exited.then(() => lifeline.end());
  process.unref();
  lifeline.unref();
  return {
    pid: process.pid ?? -1,
    exited,
    async stop(graceMs = GRACE_MS) {
      process.ref();
      lifeline.ref();
      process.kill(stopSignal);
      const late = new AbortController();
      const deadline = sleep(graceMs, undefined, { signal: late.signal }).then(
        () => process.kill('SIGKILL'),
        () => undefined,
      );
      await exited;
      late.abort();
      await Promise.all([deadline, watcherGone]);
    },
  };
}

async function becomeReady(options: ChildOptions, child: Child): Promise<void> {
  const limit = options.readyTimeoutMs ?? READY_MS;
  const deadline = Date.now() + limit;
  let end: ChildEnd | undefined;
  void child.exited.then((ended) => (end = ended));
  for (;;) {
    const ready = await options.readyWhen();
    if (end) throw new Error(`it ended with ${end.signal ?? `exit code ${end.code}`}`);
    if (ready) return;
    if (Date.now() > deadline) throw new Error(`not ready after ${limit / 1000} s`);
    await sleep(POLL_MS);
  }
}
