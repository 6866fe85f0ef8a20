import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { TwinportConfig } from '../../config/index.ts';
import { loadConfig } from '../../config/index.ts';
import { openLedger, siteStatus, type Ledger } from '../../ledger/index.ts';
import { TwinportError } from '../../model/failure.ts';
import { startPostgres } from '../embedded/postgres.ts';
import { createStack } from '../embedded/stack.ts';
import type { ControlledSite } from '../starter/parts.ts';
import { createApi } from '../starter/main.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { createApiClient, remoteApi, type ApiClient } from './api-client.ts';
import { lockDataDir, readRunning } from './data-dir.ts';

/** Works with the API of whoever runs: `control.url`, else the process of `run.json`, else the API made here over the ledger. */
export async function withApi<T>(file: string | undefined, logger: Logger, work: (api: ApiClient) => Promise<T>): Promise<T> {
  const api = await openApi(file, logger);
  try {
    return await work(api);
  } finally {
    await api.close();
  }
}

async function openApi(file: string | undefined, logger: Logger): Promise<ApiClient> {
  const config = loadConfig({ ...(file === undefined ? {} : { file }), sections: ['control'] });
  if (config.control.url !== undefined) return remoteApi(config.control.url, config.control.token);
  const running = await readRunning(config.dataDir);
  if (running) return remoteApi(running.url, running.token);
  return localApi(config.file, logger);
}

/** The API over the ledger, without a running Twinport: reading works, and what needs Temporal where one is configured. */
async function localApi(file: string | undefined, logger: Logger): Promise<ApiClient> {
  const config = loadConfig({
    ...(file === undefined ? {} : { file }),
    sections: file === undefined ? [] : ['temporal', 'ledger', 'policies'],
  });
  const stack = createStack();
  try {
    const ledger = await openSomeLedger(config, stack, logger);
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

async function openSomeLedger(config: TwinportConfig, stack: ReturnType<typeof createStack>, logger: Logger): Promise<Ledger> {
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
      `the Twinport of ${config.dataDir} (pid ${lock.heldBy}) does not serve yet; try again in a moment`,
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

async function connectClient(temporal: NonNullable<TwinportConfig['temporal']>, stack: ReturnType<typeof createStack>) {
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

function injected(api: FastifyInstance): Parameters<typeof createApiClient>[1] {
  return async (method, path, body) => {
    const answer = await api.inject({ method, url: path, ...(body === undefined ? {} : { payload: body as object }) });
    return { status: answer.statusCode, body: answer.body };
  };
}
