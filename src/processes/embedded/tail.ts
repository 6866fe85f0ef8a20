import type { ChildProcess } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

const KEPT_CHARACTERS = 8_192;
const SHOWN_LINES = 15;

/** A log file as it is before a process writes to it. */
export interface LogStart {
  readonly file: string;
  readonly size: number;
}

/** Notes how long a log file is, before the process starts: one that ends at once has written all it will. */
export function logStart(file: string): LogStart {
  return { file, size: statSync(file, { throwIfNoEntry: false })?.size ?? 0 };
}

/**
 * Keeps the end of what a process prints, by itself or to a log file.
 * @returns a function that gives its last lines, headed for an error message; empty if it printed nothing
 */
export function tailOf(process: ChildProcess, log?: LogStart): () => string {
  if (log) return () => shown(readFileSync(log.file).subarray(log.size).toString().slice(-KEPT_CHARACTERS));
  let kept = '';
  const keep = (chunk: Buffer) => (kept = (kept + chunk.toString()).slice(-KEPT_CHARACTERS));
  for (const stream of [process.stdout, process.stderr]) {
    stream?.on('data', keep);
    // Reading its output must not keep our process alive.
    (stream as { unref?: () => void } | null)?.unref?.();
  }
  return () => shown(kept);
}

function shown(text: string): string {
  const lines = text.trim().split('\n').slice(-SHOWN_LINES).join('\n');
  return lines === '' ? '' : `. Its last output:\n${lines}`;
}
