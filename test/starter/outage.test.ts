import { expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { backfillSiteId, syncImageId } from '../../src/model/names.ts';
import { digest } from '../ledger/support.ts';
import { envelope, until, useStarter } from './support.ts';

const world = useStarter(['eu', 'us']);
const EVENTS = '/events/distribution';

const inbox = async (): Promise<number> =>
  (await sql<{ n: number }>`select count(*) as n from inbox`.execute(world.ledger.db)).rows[0]?.n ?? -1;
const push = async (tag: string): Promise<{ status: number; ms: number; retryAfter: string | null; body: Record<string, unknown> }> => {
  const since = performance.now();
  const answer = await world.post(EVENTS, envelope({ repository: 'team/app', tag, digest: digest(1) }));
  const body = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, ms: performance.now() - since, retryAfter: answer.headers.get('retry-after'), body };
};

it('goes through an outage of Temporal, and then of the ledger too, and loses nothing', async () => {
  expect((await push('before')).body).toMatchObject({ sent: 2, stored: 0 });

  await world.temporal.stop(0);
  const first = await push('during-1');
  expect(first).toMatchObject({ status: 202, body: { sent: 0, stored: 2 } });
  expect(first.ms).toBeLessThan(500);
  // Soon it is known that Temporal is away, and nobody waits for it.
  const readiness = async (): Promise<unknown> => (await fetch(`${world.url}/readyz`)).json();
  await until(async () => (JSON.stringify(await readiness()).includes('away') ? true : undefined));
  const second = await push('during-2');
  expect(second).toMatchObject({ status: 202, body: { sent: 0, stored: 2 } });
  expect(second.ms).toBeLessThan(350);
  expect(await inbox()).toBe(4);
  expect(await readiness()).toEqual({ ready: true, temporal: 'away', ledger: 'ok' });

  await world.restartTemporal();
  await until(async () => ((await inbox()) === 0 ? true : undefined), 30_000);
  for (const tag of ['during-1', 'during-2']) {
    for (const site of ['eu', 'us'])
      expect((await world.client.workflow.getHandle(syncImageId(site, 'team/app', tag)).describe()).status.name).toBe('RUNNING');
  }
  // Something may have been missed: every site is scanned.
  for (const site of ['eu', 'us']) await until(async () => (await world.client.workflow.getHandle(backfillSiteId(site)).describe()).runId);
  expect((await push('after')).body).toMatchObject({ sent: 2, stored: 0 });

  await world.temporal.stop(0);
  await world.server.stop();
  const lost = await push('lost');
  expect(lost).toMatchObject({ status: 503, retryAfter: '5', body: { error: { code: 'UNAVAILABLE' } } });
  expect(lost.ms).toBeLessThan(1_900);
  const ready = await fetch(`${world.url}/readyz`);
  expect(ready.status).toBe(503);
  expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  const page = await fetch(`${world.url}/`);
  expect(page.status).toBe(503);
  expect(await page.text()).toContain('How the sites are is not known now');
  // The SDK's retries must not meet a closed channel.
  await world.restartTemporal();
}, 90_000);
