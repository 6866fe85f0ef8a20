import type { Client } from '@temporalio/client';
import { sql } from 'kysely';
import type { FastifyInstance } from 'fastify';
import type { Ledger } from '../../ledger/ledger.ts';
import { allMetrics, metrics } from '../../telemetry/index.ts';
import { requireRead, type Access } from './access.ts';

const PROBE_MS = 1_000;

/**
 * Asks Temporal for nothing, with a deadline of 1 s.
 * @throws what the client throws
 */
export async function probeTemporal(client: Client): Promise<void> {
  await client.connection.withDeadline(Date.now() + PROBE_MS, () => client.workflowService.getSystemInfo({}));
}

/** Asks the ledger for nothing. @throws what the driver throws */
export async function probeLedger(ledger: Ledger): Promise<void> {
  await within(sql`select 1`.execute(ledger.db));
}

/** `/healthz`, `/readyz`, `/metrics`. */
export function probeRoutes(
  server: FastifyInstance,
  parts: { client: Client; ledger: Ledger; access: Access; refresh: () => Promise<void> },
): void {
  server.get('/healthz', async () => ({ ok: true }));

  server.get('/readyz', async (_request, reply) => {
    const [temporal, ledger] = await Promise.all([answers(probeTemporal(parts.client)), answers(probeLedger(parts.ledger))]);
    // One of both is enough to take events: taking this starter out of a balancer then would lose what the inbox is for.
    const ready = temporal || ledger;
    return reply.code(ready ? 200 : 503).send({ ready, temporal: temporal ? 'ok' : 'away', ledger: ledger ? 'ok' : 'away' });
  });

  server.get('/metrics', async (request, reply) => {
    requireRead(parts.access, request);
    await parts.refresh();
    return reply.type(metrics.contentType).send(await allMetrics());
  });
}

async function answers(probe: Promise<void>): Promise<boolean> {
  return probe.then(
    () => true,
    () => false,
  );
}

async function within<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>(
    (_, reject) => (timer = setTimeout(() => reject(new Error(`no answer within ${PROBE_MS} ms`)), PROBE_MS)),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
