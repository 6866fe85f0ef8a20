import type { AddressInfo } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { recordEvents } from '../../ledger/events.ts';
import { doneInbox, putInbox, returnInbox, takeInbox } from '../../ledger/inbox.ts';
import { failureOf, TwinportError } from '../../model/failure.ts';
import { askForBackfill } from '../temporal/backfill.ts';
import { sendLook } from '../temporal/looks.ts';
import { createPayloadCodec } from '../temporal/payload-codec.ts';
import { createAccess, requireAct, requireRead, type Access } from './access.ts';
import { API_PREFIX, apiRoutes } from './api/index.ts';
import { backfillInput } from './backfill-run.ts';
import { codecRoutes } from './codec.ts';
import { startCanary } from './canary.ts';
import { dashboardRoutes } from './dashboard/routes.ts';
import { readView } from './dashboard/view.ts';
import { createDispatcher, type Dispatcher } from './dispatch.ts';
import { createEventRecorder } from './event-recorder.ts';
import type { Gap } from './gap.ts';
import { startInboxDrainer, type InboxDrainer } from './inbox-drainer.ts';
import { startMissedEvents } from './missed-events.ts';
import { parseListen, urlOf } from './listen-address.ts';
import type { ControlParts, StarterParts } from './parts.ts';
import { probeRoutes, probeTemporal } from './probes.ts';
import { createServer } from './server.ts';
import { startRetention } from './retention.ts';
import { startSampling } from './sampling.ts';
import { refreshSiteMetrics } from './site-metrics.ts';
import type { TemporalHealth } from './temporal-health.ts';
import { webhookRoutes } from './webhook.ts';
import { startWorkerWatch } from './worker-watch.ts';

export type { StarterParts } from './parts.ts';

/** The client's own default takes 20 s to say no, and a registry waits 500 ms. */
const LOOK_DEADLINE_MS = 350;

/** A starter that serves. */
export interface RunningStarter {
  /** Where this machine reaches it. */
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Starts the webhook, the API, the dashboard, and what drains the inbox.
 * @throws {TwinportError} CONFIG (not an address), CONFLICT (the address is taken)
 */
export async function startStarter(parts: StarterParts): Promise<RunningStarter> {
  const listen = parseListen(parts.listen ?? parts.config.webhook.listen);
  const access = createAccess(parts.token, listen.host);
  const { dispatcher, drainer } = startDelivery(parts);
  const recorder = createEventRecorder((batch) => recordEvents(parts.ledger, batch), parts.logger);
  const watch = startWorkerWatch({ ...parts, namespace: parts.config.temporal?.namespace ?? 'default' });
  const sampling = startSampling(parts);
  const retention = startRetention({ ...parts, retention: parts.config.retention });
  const missed = parts.webhook === false ? undefined : startMissedEvents(parts);
  const { canary } = parts.config;
  const pushing = parts.webhook === false || !canary ? undefined : startCanary({ ...parts, canary });
  const server = createServer(parts.logger);
  const close = async (): Promise<void> => {
    await server.close();
    await Promise.all([
      drainer.close(),
      watch.close(),
      recorder.close(),
      retention.close(),
      sampling.close(),
      missed?.close(),
      pushing?.close(),
    ]);
    await dispatcher.close();
  };
  try {
    if (parts.webhook !== false) {
      const { webhookSecret: secret, config, tracer } = parts;
      await server.register(webhookRoutes({ dispatcher, recorder, secret, config: config.webhook, tracer }));
    }
    await registerPages(server, parts, access);
    await listenOn(server, listen);
  } catch (error) {
    await close();
    throw error;
  }
  return { url: urlOf({ host: listen.host, port: (server.server.address() as AddressInfo).port }), close };
}

/** The API without a listening server: for commands where no Twinport is running. */
export async function createApi(parts: ControlParts): Promise<FastifyInstance> {
  const server = createServer(parts.logger);
  await server.register(apiRoutes(parts), { prefix: API_PREFIX });
  return server;
}

function startDelivery(parts: StarterParts): { dispatcher: Dispatcher; drainer: InboxDrainer } {
  const { client, ledger, logger } = parts;
  const policies = parts.sites.map(({ policy }) => policy);
  const health: TemporalHealth = { away: false, answeredAt: 0 };
  const gap: Gap = { pending: false };
  const dispatcher = createDispatcher({
    policies,
    health,
    logger,
    send: ({ policy, repository, looks, notices }) =>
      sendLook(client, { policy, repository, looks, notices }, { deadlineMs: LOOK_DEADLINE_MS }),
    store: (rows) => putInbox(ledger, rows),
    gap,
  });
  const drainer = startInboxDrainer({
    policies,
    health,
    gap,
    logger,
    dispatcher,
    take: (limit) => takeInbox(ledger, limit),
    done: (ids) => doneInbox(ledger, ids),
    giveBack: (ids) => returnInbox(ledger, ids),
    probe: () => probeTemporal(client),
    scan: async () => {
      const starting = parts.sites.map((site) => askForBackfill(client, backfillInput(site)));
      await Promise.allSettled(starting);
      await Promise.all(starting);
    },
  });
  return { dispatcher, drainer };
}

async function registerPages(server: FastifyInstance, parts: StarterParts, access: Access): Promise<void> {
  probeRoutes(server, { ...parts, access, refresh: () => refreshSiteMetrics(parts) });
  await server.register(dashboardRoutes(access, () => readView(parts)));
  const { encryption } = parts.config.temporal ?? {};
  if (encryption) await server.register(codecRoutes({ codec: createPayloadCodec(encryption), webUis: encryption.webUis ?? [], access }));
  await server.register(async (api) => {
    api.addHook('onRequest', async (request) => {
      if (request.method === 'GET' || request.method === 'HEAD') requireRead(access, request);
      else request.actor = requireAct(access, request);
    });
    await api.register(apiRoutes(parts, access), { prefix: API_PREFIX });
  });
}

async function listenOn(server: FastifyInstance, { host, port }: { host: string; port: number }): Promise<void> {
  try {
    await server.listen({ host, port });
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : failureOf(cause).message;
    if (code === 'EADDRINUSE') {
      throw new TwinportError('CONFLICT', `${host}:${port} is taken by another process; set webhook.listen to a free address`, { cause });
    }
    throw new TwinportError('CONFIG', `cannot listen on ${host}:${port} (${code}); set webhook.listen to an address of this machine`, {
      cause,
    });
  }
}
