import { afterAll, beforeAll } from '@jest/globals';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { pino } from 'pino';
import { inboxDepth } from '../../src/ledger/index.ts';
import { startTemporal, type EmbeddedTemporal } from '../../src/processes/embedded/temporal.ts';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { startStarter, type RunningStarter, type StarterParts } from '../../src/processes/starter/main.ts';
import { connectTemporal, type Temporal } from '../../src/processes/temporal/connect.ts';
import { policyOf, useLedger } from '../ledger/support.ts';

export const TOKEN = 'the-token';
export const SECRET = 'tTheWebhookSecret1';

export interface StarterWorld {
  readonly url: string;
  readonly client: Client;
  readonly server: ReturnType<typeof useLedger>['server'];
  readonly ledger: ReturnType<typeof useLedger>['ledger'];
  temporal: EmbeddedTemporal;
  /** Starts Temporal again where it was. */
  restartTemporal(): Promise<void>;
  /** Another starter with the same Temporal and ledger. */
  another(more: Partial<StarterParts>): Promise<RunningStarter>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
}

/** A starter with a real Temporal and a real ledger, for a file of tests; nobody works on its queues. */
export function useStarter(sites: readonly string[] = ['eu', 'us']): StarterWorld {
  const postgres = useLedger();
  const started: RunningStarter[] = [];
  let temporal: EmbeddedTemporal;
  let connected: Temporal;
  let main: RunningStarter;
  const another = async (more: Partial<StarterParts>): Promise<RunningStarter> => {
    const starter = await startStarter({
      config: {
        webhook: { listen: '127.0.0.1:0', secrets: { gitlab: 'gitlabsOwnSecret1' } },
        retention: { inboxMs: 86_400_000, auditMs: 86_400_000, historyMs: 86_400_000 },
      },
      client: connected.client,
      ledger: postgres.ledger,
      sites: sites.map((name) => ({ name, policy: policyOf(name) })),
      logger: pino({ level: 'silent' }),
      token: TOKEN,
      webhookSecret: SECRET,
      webUi: 'http://127.0.0.1:8233',
      ...more,
    });
    started.push(starter);
    return starter;
  };
  beforeAll(async () => {
    temporal = await startTemporal({ port: await freePort() });
    connected = await connectTemporal({ address: temporal.address, namespace: 'default' });
    main = await another({});
  });
  afterAll(async () => {
    await Promise.all(started.map((starter) => starter.close()));
    await connected?.close();
    await temporal?.stop(500);
  });
  return {
    get url() {
      return main.url;
    },
    get client() {
      return connected.client;
    },
    get server() {
      return postgres.server;
    },
    get ledger() {
      return postgres.ledger;
    },
    get temporal() {
      return temporal;
    },
    async restartTemporal() {
      temporal = await startTemporal({ port: Number(temporal.address.split(':')[1]) });
    },
    another,
    post: (path, body, headers = {}) =>
      fetch(main.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/vnd.docker.distribution.events.v2+json', authorization: SECRET, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
  };
}

/** An envelope with one event. */
export function envelope(target: object, action = 'push'): object {
  return { events: [{ id: 'e-1', action, target: { mediaType: 'application/vnd.oci.image.manifest.v1+json', ...target } }] };
}

/** The arguments of the signals that a workflow has received; none if there is no such workflow. */
export async function signalsTo(client: Client, id: string): Promise<unknown[]> {
  const handle = client.workflow.getHandle(id);
  if (!(await exists(handle))) return [];
  const { events } = await handle.fetchHistory();
  return (events ?? []).flatMap((event) => {
    const signalled = event.workflowExecutionSignaledEventAttributes;
    return signalled ? [defaultPayloadConverter.fromPayload(signalled.input?.payloads?.[0] as never)] : [];
  });
}

/** Of signals that say the same one: what Temporal was slow to take may be told twice (docs/adr/0006-hedged-acceptance-of-events.md). */
export function onceEach(signals: readonly unknown[]): unknown[] {
  return [...new Map(signals.map((signal) => [JSON.stringify({ ...(signal as object), receivedAt: 0 }), signal])).values()];
}

/** Waits until nothing lies in the inbox: what was not taken at once has been handed on. */
export async function drained({ ledger }: StarterWorld): Promise<void> {
  await until(async () => ((await inboxDepth(ledger)) === 0 ? true : undefined), 100_000);
}

async function exists(handle: { describe(): Promise<unknown> }): Promise<boolean> {
  try {
    await handle.describe();
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** Waits until `look` gives something. */
export async function until<T>(look: () => Promise<T | undefined>, ms = 15_000): Promise<T> {
  const deadline = Date.now() + ms;
  for (;;) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
