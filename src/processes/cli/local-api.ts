import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { TwinportConfig } from '../../config/index.ts';
import { readConfig } from './read-config.ts';
import { openLedger, type Ledger } from '../../ledger/ledger.ts';
import { siteStatus } from '../../ledger/site-status.ts';
import { TwinportError } from '../../model/failure.ts';
import { startPostgres } from '../embedded/postgres.ts';
import { createStack, type Stack } from '../embedded/stack.ts';
import { createApi } from '../starter/main.ts';
import type { ControlledSite } from '../starter/parts.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { createApiClient, type ApiClient, type ApiTransport } from './api-client.ts';
import { lockDataDir } from './data-dir.ts';

/** The API over the ledger, without a running Twinport: reading works, and what needs Temporal where one is configured. */
export async function localApi(file: string | undefined, logger: Logger): Promise<ApiClient> {
  const config = readConfig({
    ...(file === undefined ? {} : { file }),
    sections: file === undefined ? [] : ['temporal', 'ledger', 'policies'],
  });
  const stack = createStack();
  try {
    const ledger = await openSomeLedger(config, stack);
    stack.add('ledger', () => ledger.close());
    const client = config.temporal === undefined ? undefined : await connectClient(config.temporal, stack);
    const sites = config.secondaries.length > 0 ? config.secondaries : await knownSites(ledger);
    const api = await createApi({ ledger, sites, logger, ...(client === undefined ? {} : { client }) });
    stack.add('api', () => api.close());
    return createApiClient(`the ledger of ${config.dataDir}`, injected(api), () => stack.close());
  } catch (error) {
    await stack.close();
    throw error;
  }
}

async function openSomeLedger(config: TwinportConfig, stack: Stack): Promise<Ledger> {
  if (config.ledger) return openLedger(config.ledger.url);
  const missing = new TwinportError(
    'UNREACHABLE',
    `no Twinport runs here and ${config.dataDir} holds no ledger; run "twinport up" or "twinport sync" first, or set control.url`,
  );
  if (!(await hasLedger(config.dataDir))) throw missing;
  const lock = await lockDataDir(config.dataDir);
  if ('heldBy' in lock)
    throw new TwinportError(
      'UNREACHABLE',
      `the Twinport of ${config.dataDir} (pid ${lock.heldBy}) does not serve now (it starts, or ends); try again in a moment`,
    );
  stack.add('data directory', () => lock.release());
  const postgres = await startPostgres({ dataDir: config.dataDir });
  stack.add('PostgreSQL', () => postgres.stop());
  return openLedger(postgres.poolConfig);
}

async function hasLedger(dataDir: string): Promise<boolean> {
  const found = await Promise.all(
    ['postgres', 'postgres-id'].map((name) =>
      access(join(dataDir, name)).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

async function connectClient(temporal: NonNullable<TwinportConfig['temporal']>, stack: Stack) {
  const connected = await connectTemporal(temporal);
  stack.add('Temporal client', () => connected.close());
  return connected.client;
}

/** Sites made from URLs are in no file; without Temporal no action can use this policy. */
async function knownSites(ledger: Ledger): Promise<ControlledSite[]> {
  const everything = { include: ['**'], exclude: [] };
  return (await siteStatus(ledger)).map(({ name }) => ({
    name,
    policy: {
      site: name,
      revision: 'unknown',
      epoch: 1,
      path: '{repository}',
      repositories: everything,
      tags: everything,
      deletes: { policy: 'never', confirmAfterMs: 0 },
      verify: { everyMs: 0, depth: 'shallow' },
    },
  }));
}

function injected(api: FastifyInstance): ApiTransport {
  return async (method, path, body) => {
    const answer = await api.inject({ method, url: path, ...(body === undefined ? {} : { payload: body as object }) });
    return { status: answer.statusCode, body: answer.body };
  };
}
