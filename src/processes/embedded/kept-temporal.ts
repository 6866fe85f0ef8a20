import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { isTwinportError, type TwinportError } from '../../model/failure.ts';
import { accepts } from './free-port.ts';
import { keepRunning, type KeptServer, type Server } from './keep-running.ts';
import { startTemporal, type EmbeddedTemporal, type TemporalOptions } from './temporal.ts';

const PORT = 7233;
const UI_PORT = 8233;

/** The embedded Temporal, and where it is found also after it was started again. */
export interface KeptTemporal {
  readonly server: KeptServer;
  readonly address: string;
  readonly uiUrl?: string;
}

/** How Temporal is to be kept. */
export interface KeepTemporalOptions {
  readonly dataDir: string;
  /** In memory its end cannot be mended: what ran is gone with it. */
  readonly state: 'memory' | 'file';
  readonly ui: boolean;
  readonly logger: Logger;
  readonly fail: (error: TwinportError) => void;
  /** Told once the server's process is there, ready or not. */
  readonly onSpawn?: () => void;
}

/**
 * Starts Temporal, and again on the same ports when it ends by itself and its state is in a file.
 * @throws {TwinportError} as `startTemporal`
 */
export async function keepTemporal(options: KeepTemporalOptions): Promise<KeptTemporal> {
  const { dataDir, ui, logger, fail } = options;
  // A folder of its own, closed to others: dataDir itself may have to let PostgreSQL's user pass.
  const folder = join(dataDir, 'temporal');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const state = options.state === 'file' ? { dbFile: join(folder, 'temporal.db') } : {};
  const common = { ui, logFile: join(folder, 'temporal.log'), ...state };
  const first = await (options.state === 'file' ? startWellKnown : startTemporal)({ ...common, onSpawn: options.onSpawn });
  const ports = { port: portOf(first.address), ...(first.uiUrl === undefined ? {} : { uiPort: portOf(first.uiUrl) }) };
  // What is in memory is gone anyway: no need to wait for its good night.
  const graceMs = options.state === 'memory' ? 0 : 5_000;
  const again = async (): Promise<Server> => asServer(await startTemporal({ ...common, ...ports }), graceMs);
  const server = keepRunning({
    name: 'Temporal',
    first: asServer(first, graceMs),
    fail,
    logger,
    ...(options.state === 'file' ? { again } : {}),
  });
  return { server, address: first.address, ...(first.uiUrl === undefined ? {} : { uiUrl: first.uiUrl }) };
}

/** Where `temporal` and people look first, if nobody else is there; a server that lives long is worth finding. */
async function startWellKnown(options: TemporalOptions): Promise<EmbeddedTemporal> {
  const taken = await Promise.all([accepts(PORT), accepts(UI_PORT)]);
  if (taken.includes(true)) return startTemporal(options);
  try {
    return await startTemporal({ ...options, port: PORT, uiPort: UI_PORT });
  } catch (error) {
    // Somebody was faster; any other reason comes again.
    if (isTwinportError(error) && (error.code === 'CONFLICT' || error.code === 'UNREACHABLE')) return startTemporal(options);
    throw error;
  }
}

function asServer(temporal: EmbeddedTemporal, graceMs: number): Server {
  return { pid: temporal.pid, ended: temporal.exited, stop: () => temporal.stop(graceMs) };
}

function portOf(address: string): number {
  return Number(/:(\d+)\/?$/.exec(address)?.[1]);
}
