import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { childEnvironment } from '../../config/environment.ts';
import { findBinary } from './binaries.ts';
import { spawnChild, type Child } from './child.ts';
import { accepts, portFor } from './free-port.ts';
import { writeRegistryConfig, type RegistrySettings } from './registry-config.ts';

/** What to run and where. */
export interface RegistryOptions extends RegistrySettings {
  /** Its configuration, storage and log; absent: a temporary folder that `stop` removes. */
  readonly dir?: string;
  /** Of 127.0.0.1; a free one is taken if absent. */
  readonly port?: number;
}

/** A running registry. */
export interface EmbeddedRegistry {
  readonly url: string;
  /** host:port */
  readonly host: string;
  readonly port: number;
  readonly dir: string;
  /** Of the process that runs now. */
  readonly pid: number;
  stop(graceMs?: number): Promise<void>;
  /** Stops it, if it runs, and starts it again at the same port with the same storage, with other settings if given. */
  restart(changes?: Partial<RegistrySettings>): Promise<void>;
}

const PORT_ATTEMPTS = 5;

/**
 * Starts a CNCF Distribution registry on 127.0.0.1, with its storage in a folder.
 * @throws {TwinportError} CONFIG (its program is not installed), CONFLICT (the port is taken), UNREACHABLE (it did not start)
 */
export async function startRegistry(options: RegistryOptions): Promise<EmbeddedRegistry> {
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'twinport-registry-')));
  await mkdir(dir, { recursive: true });
  try {
    const { port, child } = await startOnSomePort(options, dir, options.port);
    return ownedRegistry(options, dir, port, child);
  } catch (error) {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    throw error;
  }
}

function ownedRegistry(options: RegistryOptions, dir: string, port: number, first: Child): EmbeddedRegistry {
  let settings: RegistrySettings = options;
  let child = first;
  return {
    url: `http://127.0.0.1:${port}`,
    host: `127.0.0.1:${port}`,
    port,
    dir,
    get pid() {
      return child.pid;
    },
    async stop(graceMs) {
      await child.stop(graceMs);
      if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
    },
    async restart(changes = {}) {
      await child.stop();
      settings = { ...settings, ...changes };
      child = await startOn(settings, dir, port);
    },
  };
}

async function startOnSomePort(
  settings: RegistrySettings,
  dir: string,
  wanted: number | undefined,
): Promise<{ port: number; child: Child }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await portFor('the registry', wanted);
    try {
      return { port, child: await startOn(settings, dir, port) };
    } catch (error) {
      // Between our look for a free port and the registry's bind, another process may have taken it.
      const taken = String(error).includes('address already in use');
      if (!taken || wanted !== undefined || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

async function startOn(settings: RegistrySettings, dir: string, port: number): Promise<Child> {
  const config = await writeRegistryConfig(settings, dir, port);
  return spawnChild({
    command: findBinary(settings.version === 2 ? 'docker-registry' : 'registry'),
    args: ['serve', config],
    // Version 3 would look for a collector of traces.
    env: { ...childEnvironment(), OTEL_TRACES_EXPORTER: 'none' },
    logFile: join(dir, 'registry.log'),
    readyWhen: () => accepts(port),
  });
}
