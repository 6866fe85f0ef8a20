import { expect, it } from '@jest/globals';
import { inboxDepth } from '../../src/ledger/index.ts';
import { backfillSiteId, syncImageId } from '../../src/model/names.ts';
import { digest } from '../ledger/support.ts';
import { drained, envelope, until, useStarter } from './support.ts';

const world = useStarter(['eu', 'us']);
const EVENTS = '/events/distribution';

const push = async (tag: string): Promise<{ status: number; ms: number; retryAfter: string | null; body: Record<string, unknown> }> => {
  const since = performance.now();
  const answer = await world.post(EVENTS, envelope({ repository: 'team/app', tag, digest: digest(1) }));
  const body = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, ms: performance.now() - since, retryAfter: answer.headers.get('retry-after'), body };
};

it('goes through an outage of Temporal, and then of the ledger too, and loses nothing', async () => {
  expect((await push('before')).body).toMatchObject({ accepted: 1 });
  await drained(world);

  await world.temporal.stop(0);
  const first = await push('during-1');
  expect(first).toMatchObject({ status: 202, body: { sent: 0, stored: 2 } });
  // Senders are patient for some seconds; on a machine with nothing else to do it is a quarter of one.
  expect(first.ms).toBeLessThan(5_000);
  // Soon it is known that Temporal is away, and nobody waits for it: not once in some pushes.
  const readiness = async (): Promise<unknown> => (await fetch(`${world.url}/readyz`)).json();
  await until(async () => (JSON.stringify(await readiness()).includes('away') ? true : undefined));
  const second = await push('during-2');
  expect(second).toMatchObject({ status: 202, body: { sent: 0, stored: 2 } });
  const times = [second.ms];
  for (let n = 0; n < 5; n++) times.push((await push('during-2')).ms);
  expect(Math.min(...times)).toBeLessThan(250);
  expect(await inboxDepth(world.ledger)).toBe(14);
  expect(await readiness()).toEqual({ ready: true, temporal: 'away', ledger: 'ok' });

  await world.restartTemporal();
  await drained(world);
  for (const tag of ['during-1', 'during-2']) {
    for (const site of ['eu', 'us'])
      expect((await world.client.workflow.getHandle(syncImageId(site, 'team/app', tag)).describe()).status.name).toBe('RUNNING');
  }
  // Something may have been missed: every site is scanned.
  for (const site of ['eu', 'us']) await until(async () => (await world.client.workflow.getHandle(backfillSiteId(site)).describe()).runId);
  // And is asked first again, which it answers in time sooner or later.
  await until(async () => ((await push('after')).body['sent'] === 2 ? true : undefined), 60_000);

  await world.temporal.stop(0);
  await world.server.stop();
  const lost = await push('lost');
  expect(lost).toMatchObject({ status: 503, retryAfter: '5', body: { error: { code: 'UNAVAILABLE' } } });
  // It must be before senders give up, whose patience is seconds; 1.4 s on a machine with nothing else to do.
  expect(lost.ms).toBeLessThan(5_000);
  const ready = await fetch(`${world.url}/readyz`);
  expect(ready.status).toBe(503);
  expect((await fetch(`${world.url}/healthz`)).status).toBe(200);
  const page = await fetch(`${world.url}/`);
  expect(page.status).toBe(503);
  expect(await page.text()).toContain('How the sites are is not known now');
  // The SDK's retries must not meet a closed channel.
  await world.restartTemporal();
}, 240_000);
