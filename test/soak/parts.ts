import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startPostgres, type EmbeddedPostgres } from '../../src/processes/embedded/postgres.ts';
import { startTemporal, type EmbeddedTemporal } from '../../src/processes/embedded/temporal.ts';
import { gate } from '../support/gate.ts';
import { residentBytes, startTwinport, type RunningTwinport } from '../support/twinport.ts';

/** A process of Twinport that is started, killed, frozen and started again. */
export class Process {
  private readonly args: readonly string[];
  private readonly folder: string;
  private running: RunningTwinport | undefined;
  /** How often it was started. */
  starts = 0;

  constructor(folder: string, ...args: string[]) {
    this.folder = folder;
    this.args = args;
  }

  start(): void {
    this.running = startTwinport(this.args, this.folder);
    this.starts += 1;
  }

  /** Waits for its first words. */
  async ready(words: RegExp): Promise<void> {
    await this.running?.waitFor(words);
  }

  /** Sends a signal, and waits for its end if the signal ends it. */
  async signal(signal: NodeJS.Signals): Promise<void> {
    this.running?.kill(signal);
    if (signal === 'SIGKILL' || signal === 'SIGTERM') await this.running?.ended;
  }

  output(): string {
    return this.running?.output() ?? '';
  }

  /** What it holds in memory, in bytes; `undefined` if it does not run. */
  resident(): Promise<number | undefined> {
    return residentBytes(this.running?.pid ?? 0);
  }
}

/** A PostgreSQL that can be away, and comes back at the same address. */
export class Ledger {
  private readonly dataDir: string;
  private server: EmbeddedPostgres;
  /** Where it is reached. */
  readonly url: string;

  private constructor(dataDir: string, server: EmbeddedPostgres, url: string) {
    this.dataDir = dataDir;
    this.server = server;
    this.url = url;
  }

  static async start(): Promise<Ledger> {
    const dataDir = await mkdtemp(join(tmpdir(), 'twinport-soak-ledger-'));
    await chmod(dataDir, 0o711);
    const server = await startPostgres({ dataDir });
    // Its socket's folder is another one after each start.
    const to = (): { path: string } => ({ path: join(String(ledger.server.poolConfig.host), '.s.PGSQL.5432') });
    const { port } = await gate({ to, at: 0 });
    const ledger = new Ledger(dataDir, server, `postgresql://twinport@127.0.0.1:${port}/twinport`);
    return ledger;
  }

  async down(): Promise<void> {
    await this.server.stop();
  }

  async up(): Promise<void> {
    this.server = await startPostgres({ dataDir: this.dataDir });
  }

  async end(): Promise<void> {
    await this.server.stop();
    await rm(this.dataDir, { recursive: true, force: true });
  }
}

/** A Temporal server with its state in a file, that can be killed. */
export class Temporal {
  private readonly folder: string;
  readonly port: number;
  private server: EmbeddedTemporal;

  private constructor(folder: string, port: number, server: EmbeddedTemporal) {
    this.folder = folder;
    this.port = port;
    this.server = server;
  }

  static async start(): Promise<Temporal> {
    const [folder, port] = [await mkdtemp(join(tmpdir(), 'twinport-soak-temporal-')), await freePort()];
    return new Temporal(folder, port, await startTemporal({ port, dbFile: join(folder, 'temporal.db') }));
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async kill(): Promise<void> {
    process.kill(this.server.pid, 'SIGKILL');
    await this.server.exited;
  }

  async up(): Promise<void> {
    this.server = await startTemporal({ port: this.port, dbFile: join(this.folder, 'temporal.db') });
  }

  async end(): Promise<void> {
    await this.server.stop(2_000);
    await rm(this.folder, { recursive: true, force: true });
  }
}
