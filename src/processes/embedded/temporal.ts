import { randomUUID } from 'node:crypto';
import { childEnvironment } from '../../config/environment.ts';
import { SEARCH_ATTRIBUTES } from '../../model/names.ts';
import { findBinary } from './binaries.ts';
import { spawnChild, type Child } from './child.ts';
import { accepts, portFor } from './free-port.ts';

/** What the dev server is to be. */
export interface TemporalOptions {
  /** The `temporal` CLI; found by itself if absent. */
  readonly binary?: string;
  /** Where the state lives; absent: in memory, and gone with the server. */
  readonly dbFile?: string;
  /** Serve the Web UI too. */
  readonly ui?: boolean;
  /** Ports of 127.0.0.1; free ones are taken if absent. */
  readonly port?: number;
  readonly uiPort?: number;
  /** Created at the start besides `default`. */
  readonly namespace?: string;
  /** Where the server's output is appended. */
  readonly logFile?: string;
  /** Told once the server's process is there, ready or not. */
  readonly onSpawn?: (() => void) | undefined;
}

/** A running dev server. */
export interface EmbeddedTemporal {
  /** host:port of the gRPC frontend. */
  readonly address: string;
  /** Of the Web UI; absent where it was not asked for. */
  readonly uiUrl?: string;
  readonly pid: number;
  readonly exited: Child['exited'];
  stop(graceMs?: number): Promise<void>;
}

/**
 * Why each: the default of 20 a second puts 40 ms before every workflow task of a one-shard server; with one partition a queue,
 * priorities are strict.
 * @see docs/design.md#processes
 */
const DYNAMIC_CONFIG = [
  'history.transferProcessorMaxPollRPS=200',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
];
const PORT_ATTEMPTS = 5;

/**
 * Starts a Temporal dev server on 127.0.0.1.
 * @returns once its frontend accepts connections; the namespaces may take a few tenths of a second more, so connect with retries
 * @throws {TwinportError} CONFIG (no `temporal` binary), CONFLICT (a port that was asked for is taken), UNREACHABLE (it did not start)
 */
export async function startTemporal(options: TemporalOptions = {}): Promise<EmbeddedTemporal> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce(options);
    } catch (error) {
      // Between our look for a free port and the server's bind, another process may have taken it.
      const taken = /address already in use|can't bind|port.*in use/i.test(String(error));
      if (!taken || options.port !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOnce(options: TemporalOptions): Promise<EmbeddedTemporal> {
  const port = await portFor('Temporal', options.port);
  const uiPort = options.ui === true ? await portFor("Temporal's Web UI", options.uiPort) : undefined;
  const child = await spawnChild({
    command: options.binary ?? findBinary('temporal'),
    args: serverArguments(options, port, uiPort),
    // No file of the person who runs us may configure the server.
    env: { ...childEnvironment(), TEMPORAL_CONFIG_FILE: `/nonexistent/${randomUUID()}` },
    readyWhen: async () => (await accepts(port)) && (uiPort === undefined || (await accepts(uiPort))),
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
    onSpawn: options.onSpawn,
  });
  return {
    address: `127.0.0.1:${port}`,
    ...(uiPort === undefined ? {} : { uiUrl: `http://127.0.0.1:${uiPort}` }),
    pid: child.pid,
    exited: child.exited,
    stop: (graceMs) => child.stop(graceMs),
  };
}

function serverArguments(options: TemporalOptions, port: number, uiPort: number | undefined): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'error'],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort)]),
    ...(options.namespace === undefined ? [] : ['--namespace', options.namespace]),
    ...Object.values(SEARCH_ATTRIBUTES).flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
    ...(options.dbFile === undefined ? [] : durable(options.dbFile)),
  ];
}

/** Without WAL the server does half as many workflows a second; `synchronous=2` survives a loss of power. */
function durable(dbFile: string): string[] {
  return ['--db-filename', dbFile, '--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=2'];
}
