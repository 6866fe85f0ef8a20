import { expect, it } from '@jest/globals';
import { createRate } from '../../../src/registry/transport/rate.ts';

it('lets what waits for the old rate go on when it is changed, and holds what comes to the new one', async () => {
  const rate = createRate(10);
  const waiting = [rate.spend(600), rate.spend(600)];
  rate.set(1_000_000);
  await Promise.all(waiting);
  rate.set(100);
  const began = performance.now();
  await rate.spend(50);
  await rate.spend(50);
  expect(performance.now() - began).toBeGreaterThan(600);
  rate.set(undefined);
  await rate.spend(1e9);
});

it('stops waiting when it is cancelled, and not because a rate was changed before', async () => {
  const rate = createRate(10);
  rate.set(1);
  const cancel = new AbortController();
  const waiting = rate.spend(600, cancel.signal);
  cancel.abort();
  await expect(waiting).rejects.toMatchObject({ code: 'CANCELLED' });
});
