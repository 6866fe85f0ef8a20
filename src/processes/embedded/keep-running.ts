import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { failureOf, TwinportError } from '../../model/failure.ts';

/** A server process, as embedded ones are given. */
export interface Server {
  readonly pid: number;
  /** When it has ended, asked to or not. */
  readonly ended: Promise<unknown>;
  stop(): Promise<unknown>;
}

/** A server that is started again when it ends by itself. */
export interface KeptServer {
  readonly name: string;
  readonly pid: number;
  stop(): Promise<void>;
}

/** How a server is kept. */
export interface KeepOptions {
  readonly name: string;
  readonly first: Server;
  /** Starts it again in its old place; absent: its end cannot be mended. */
  readonly again?: () => Promise<Server>;
  readonly fail: (error: TwinportError) => void;
  readonly logger: Logger;
}

const ATTEMPTS = 5;
const PAUSE_MS = 500;
/** A server that has lived this long gets all its attempts anew. */
const LONG_MS = 60_000;

/** Watches over a server until it is stopped. */
export function keepRunning(options: KeepOptions): KeptServer {
  const { name, logger } = options;
  let server = options.first;
  let stopping = false;
  const mend = async (): Promise<void> => {
    for (let attempt = 1; ; attempt += 1) {
      const since = Date.now();
      await server.ended;
      if (stopping) return;
      if (Date.now() - since > LONG_MS) attempt = 1;
      if (!options.again || attempt > ATTEMPTS) throw new TwinportError('UNREACHABLE', `the embedded ${name} has ended by itself`);
      logger.error({ server: name, attempt }, 'an embedded server has ended by itself and is started again');
      server = await startAgain(options.again, () => stopping);
      if (stopping) await server.stop();
    }
  };
  const mending = mend().catch((error: unknown) => {
    if (stopping) return;
    options.fail(
      new TwinportError('UNREACHABLE', `the embedded ${name} has ended and does not start again: ${failureOf(error).message}`, {
        cause: error,
      }),
    );
  });
  return {
    name,
    get pid() {
      return server.pid;
    },
    async stop() {
      stopping = true;
      await server.stop();
      await mending;
    },
  };
}

async function startAgain(again: () => Promise<Server>, stopped: () => boolean): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    await sleep(PAUSE_MS * attempt);
    try {
      return await again();
    } catch (error) {
      if (attempt === ATTEMPTS || stopped()) throw error;
    }
  }
}
