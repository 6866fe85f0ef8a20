import { describe, expect, it } from '@jest/globals';
import { createConcurrency } from '../../../src/registry/transport/concurrency.ts';
import { createHostLimiter } from '../../../src/registry/transport/host-limiter.ts';
import type { LimitNotice } from '../../../src/registry/transport/limiter.ts';
import { readRateLimits } from '../../../src/registry/transport/rate-limit-headers.ts';
import { fakeClock, type FakeClock } from '../support/fake-clock.ts';

const NOW = Date.UTC(2026, 0, 1);

describe('rate-limit headers', () => {
  it.each<[string, Record<string, string>, object[]]>([
    ['none', {}, []],
    [
      'Docker Hub',
      { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '76;w=21600', 'docker-ratelimit-source': '192.0.2.1' },
      [{ limit: 100, remaining: 76, windowMs: 21_600_000 }],
    ],
    [
      'GitLab, seconds since 1970',
      { 'ratelimit-limit': '600', 'ratelimit-observed': '1', 'ratelimit-remaining': '599', 'ratelimit-reset': String(NOW / 1000 + 60) },
      [{ limit: 600, remaining: 599, resetMs: 60_000 }],
    ],
    [
      'the IETF’s drafts up to 6',
      { 'ratelimit-limit': '10, 10;w=1, 50;w=60', 'ratelimit-remaining': '9', 'ratelimit-reset': '50' },
      [{ limit: 10, remaining: 9, resetMs: 50_000, windowMs: 1_000 }],
    ],
    [
      'draft 7',
      { ratelimit: 'limit=100, remaining=50, reset=5', 'ratelimit-policy': '100;w=60' },
      [{ limit: 100, remaining: 50, resetMs: 5_000, windowMs: 60_000 }],
    ],
    [
      'draft 8 and later, several',
      { ratelimit: '"burst";r=3;t=1, "daily";r=900;t=4000', 'ratelimit-policy': '"burst";q=10;w=2,"daily";q=1000;w=86400' },
      [
        { limit: 10, remaining: 3, resetMs: 1_000, windowMs: 2_000 },
        { limit: 1_000, remaining: 900, resetMs: 4_000_000, windowMs: 86_400_000 },
      ],
    ],
    [
      'GitHub',
      { 'x-ratelimit-limit': '5000', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(NOW / 1000 + 3600) },
      [{ limit: 5_000, remaining: 0, resetMs: 3_600_000 }],
    ],
    ['a time that is past', { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': String(NOW / 1000 - 9) }, [{ remaining: 5, resetMs: 0 }]],
    ['a day at most', { 'ratelimit-remaining': '5', 'ratelimit-reset': '999999999' }, [{ remaining: 5, resetMs: 86_400_000 }]],
    ['what is no number', { 'ratelimit-remaining': 'many', 'x-ratelimit-remaining': '-1', ratelimit: '?;;,=,r=1' }, []],
  ])('are read: %s', (_, headers, expected) => {
    expect(readRateLimits(headers, NOW)).toEqual(expected);
  });
});

describe('concurrency', () => {
  it('is halved by each refusal, once for what was under way together, and grows by one a second', () => {
    const clock = { time: 0 };
    const one = createConcurrency(() => clock.time);
    one.configure(64);
    expect(one.limit).toBe(64);
    clock.time = 10;
    expect([one.throttled(5, 20), one.throttled(6, 19), one.throttled(9, 18)]).toEqual([true, false, false]);
    expect(one.limit).toBe(10);
    clock.time = 20;
    expect(one.throttled(15, 10)).toBe(false);
    one.succeeded();
    expect(one.throttled(15, 10)).toBe(true);
    expect(one.limit).toBe(5);
    for (let n = 0; n < 100; n++) one.succeeded();
    expect(one.limit).toBe(5);
    for (; clock.time < 4_100; clock.time += 10) one.succeeded();
    expect(one.limit).toBe(9);
    for (; clock.time < 200_000; clock.time += 100) one.succeeded();
    expect(one.limit).toBe(64);
    one.configure(3);
    expect(one.limit).toBe(3);
    for (let n = 0; n < 5; n++) one.throttled((clock.time += 1_000), 3);
    expect(one.limit).toBe(1);
  });
});

interface Host {
  /** What the host answers to the request that starts now. */
  answer(sort: string): { status: number; headers?: Record<string, string> };
  /** How long it takes, in milliseconds. */
  readonly ms?: number;
}

/** Starts requests against a host of the fake clock's time, all at once, and tells when each was started. */
function asking(clock: FakeClock, host: Host, configured = 64) {
  const limiter = createHostLimiter({ now: clock.now, wait: clock.wait });
  const notices: LimitNotice[] = [];
  const starts: number[] = [];
  const statuses: number[] = [];
  limiter.join({ requests: configured, transfers: 8 }, (notice) => notices.push(notice));
  const ask = async (sort = 'GET manifests'): Promise<void> => {
    const release = await limiter.acquireRequest(undefined, { sort });
    const startedAt = clock.now();
    starts.push(startedAt);
    const { status, headers = {} } = host.answer(sort);
    await clock.wait(host.ms ?? 10);
    statuses.push(status);
    limiter.answered({ sort, status, headers, startedAt });
    release();
  };
  return { limiter, notices, starts, statuses, ask };
}

describe('a limiter', () => {
  it.each([
    [
      'as GitHub tells it',
      (left: number, seconds: number) => ({
        'x-ratelimit-limit': '100',
        'x-ratelimit-remaining': String(left),
        'x-ratelimit-reset': String(seconds),
      }),
    ],
    [
      'as the IETF’s draft has it',
      (left: number, seconds: number) => ({ ratelimit: `"x";r=${left};t=${seconds}`, 'ratelimit-policy': '"x";q=100;w=60' }),
    ],
  ])('spreads the last fifth over the time that is left, %s, and is never refused', async (_, headers) => {
    const clock = fakeClock();
    let [window, left] = [0, 100];
    const host: Host = {
      answer() {
        const now = Math.floor(clock.now() / 60_000);
        if (now !== window) [window, left] = [now, 100];
        const seconds = Math.ceil(60 - (clock.now() % 60_000) / 1000);
        return { status: left > 0 ? 200 : 429, headers: headers(Math.max(0, --left), seconds) };
      },
    };
    // One at a time, so that each knows what the last one was told.
    const { ask, starts, statuses, notices } = asking(clock, host, 1);
    const all = Promise.all(Array.from({ length: 110 }, () => ask()));
    await clock.advance(30_000);
    // Eighty at once, and then a slow drip: about half of the rest in half of the time.
    expect(starts.filter((at) => at < 2_000).length).toBeGreaterThanOrEqual(80);
    expect(starts.length).toBeGreaterThanOrEqual(85);
    expect(starts.length).toBeLessThanOrEqual(95);
    await clock.advance(60_000);
    await all;
    expect(statuses.filter((status) => status === 429)).toEqual([]);
    expect(notices.map(({ kind }) => kind)).toEqual(['spread']);
  });

  it('keeps Docker Hub’s steady rate where it does not say when there is more, and lets what is not counted pass', async () => {
    const clock = fakeClock();
    const headers = { 'ratelimit-limit': '100;w=6000', 'ratelimit-remaining': '5;w=6000', 'docker-ratelimit-source': 'x' };
    const { ask, starts, limiter } = asking(clock, { answer: (sort) => ({ status: 200, headers: sort === 'GET blobs' ? {} : headers }) });
    const first = ask();
    await clock.advance(10);
    await first;
    const pulls = Promise.all([ask(), ask(), ask()]);
    const free = Promise.all([ask('HEAD manifests'), ask('GET blobs'), ask('HEAD manifests'), ask('HEAD manifests')]);
    await clock.advance(20);
    await free;
    expect(starts).toHaveLength(5);
    await clock.advance(180_000);
    await pulls;
    // One a minute: a hundred in 6,000 s.
    expect(starts.slice(5).map((at) => Math.round(at / 1000))).toEqual([60, 120, 180]);
    expect(limiter.state().waitedMs.spread).toBeGreaterThan(170_000);
  });

  it('waits five minutes at most, whatever a host says', async () => {
    const clock = fakeClock();
    const { ask, starts } = asking(clock, {
      answer: () => ({ status: 200, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '80000' } }),
    });
    const done = ask().then(() => ask());
    await clock.advance(301_000);
    await done;
    expect(starts.map((at) => Math.round(at / 1000))).toEqual([0, 300]);
  });

  it('starts nothing before Retry-After is over', async () => {
    const clock = fakeClock();
    let refused = false;
    const { ask, starts, notices } = asking(clock, {
      answer() {
        if (refused) return { status: 200 };
        refused = true;
        return { status: 429, headers: { 'retry-after': '7' } };
      },
    });
    const first = ask();
    await clock.advance(10);
    await first;
    const rest = Promise.all([ask(), ask('HEAD blobs')]);
    await clock.advance(8_000);
    await rest;
    expect(starts.slice(1).every((at) => at >= 7_010)).toBe(true);
    expect(notices).toEqual([{ kind: 'quiet', ms: 7_000 }]);
  });

  it('lets what ends an upload go first', async () => {
    const clock = fakeClock();
    const limiter = createHostLimiter({ now: clock.now, wait: clock.wait });
    limiter.join({ requests: 1, transfers: 1 });
    const held = await limiter.acquireRequest();
    const order: string[] = [];
    const queue = ['a', 'b', 'end', 'c'].map(async (name) => {
      const release = await limiter.acquireRequest(undefined, { sort: 'PUT', first: name === 'end' });
      order.push(name);
      release();
    });
    await clock.advance(0);
    held();
    await Promise.all(queue);
    expect(order).toEqual(['end', 'a', 'b', 'c']);
  });

  it('does not count a request that was cancelled while it waited', async () => {
    const clock = fakeClock();
    const { ask, limiter, starts } = asking(clock, {
      answer: () => ({ status: 200, headers: { 'x-ratelimit-remaining': '1', 'x-ratelimit-reset': '100' } }),
    });
    const first = ask();
    await clock.advance(10);
    await first;
    const cancel = new AbortController();
    const waiting = limiter.acquireRequest(cancel.signal, { sort: 'GET manifests' });
    await clock.advance(10);
    cancel.abort(new Error('cancelled'));
    await expect(waiting).rejects.toThrow('cancelled');
    expect(limiter.state()).toMatchObject({ active: 0, waiting: 0 });
    const next = ask();
    await clock.advance(100_000);
    await next;
    expect(starts).toHaveLength(2);
  });

  /*
   * Hosts that refuse above N at a time, or above R a second, without a word on when to come back: properties over several of each.
   */
  it.each([1, 5, 20])('finds out that a host bears %i at a time', async (most) => {
    const clock = fakeClock();
    let active = 0;
    const host: Host = {
      answer() {
        active += 1;
        void clock.wait(50).then(() => (active -= 1));
        return { status: active > most ? 429 : 200 };
      },
      ms: 50,
    };
    await expectFew(clock, host, (seconds) => (most * 20 * seconds) / 2);
  });

  it.each([5, 50, 200])('finds out that a host bears %i a second', async (perSecond) => {
    const clock = fakeClock();
    let [second, count] = [0, 0];
    const host: Host = {
      answer() {
        const now = Math.floor(clock.now() / 1_000);
        if (now !== second) [second, count] = [now, 0];
        count += 1;
        return { status: count > perSecond ? 503 : 200 };
      },
      ms: 50,
    };
    await expectFew(clock, host, (seconds) => (perSecond * seconds) / 2);
  });

  /** Thirty seconds of demand, after as many to learn: few refusals after the first, and at least half of what the host would bear. */
  async function expectFew(clock: FakeClock, host: Host, least: (seconds: number) => number): Promise<void> {
    const { ask, statuses, limiter } = asking(clock, host);
    let over = false;
    const loop = async (): Promise<void> => {
      while (!over) await ask();
    };
    const loops = Array.from({ length: 64 }, loop);
    await clock.advance(30_000);
    statuses.length = 0;
    await clock.advance(30_000);
    const good = statuses.filter((status) => status === 200).length;
    const refused = statuses.length - good;
    over = true;
    await clock.advance(60_000);
    await Promise.all(loops);
    expect({ good, few: refused < Math.max(30, good * 0.03), refused }).toMatchObject({ few: true });
    expect(good).toBeGreaterThan(least(30));
    expect(limiter.state().waiting).toBe(0);
  }
});
