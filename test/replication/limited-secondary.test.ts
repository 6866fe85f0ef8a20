import { expect, it } from '@jest/globals';
import { pushImage } from '../support/images.ts';
import { quirkProxy, type QuirkProxy, type QuirkRule } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { difference, walk } from '../support/walk.ts';
import { replicate, sitePair } from './pair.ts';

const IMAGES = 40;

/** Refuses above so many at a time. */
function atATime(proxy: QuirkProxy, most: number): QuirkRule {
  return { when: () => proxy.seen.filter(({ status }) => status === undefined).length > most, answer: { status: 429 } };
}

/** Refuses above so many a second, and says when there are more if `told`. */
function aSecond(most: number, told: boolean): QuirkRule {
  let [second, count] = [0, 0];
  const when = (): boolean => {
    const now = Math.floor(Date.now() / 1_000);
    if (now !== second) [second, count] = [now, 0];
    return ++count > most;
  };
  return { when, answer: { status: 429, headers: told ? { 'retry-after': '1' } : {} } };
}

const LIMITS: readonly (readonly [string, (proxy: QuirkProxy) => QuirkRule])[] = [
  ['4 requests at a time', (proxy) => atATime(proxy, 4)],
  ['60 requests a second', () => aSecond(60, false)],
  ['60 requests a second, with Retry-After', () => aSecond(60, true)],
];

it('secondaries that bear 4 requests at a time, or 60 a second, get many small images with no failure and few refusals', async () => {
  const primary = (await testRegistry({ version: 3 })).url;
  for (let n = 0; n < IMAGES; n++) await pushImage(primary, 'app', `v${n}`, { layers: [{ seed: `${n}`, size: 2_000 }] });
  // Together: most of the time is spent waiting for their leave.
  await Promise.all(
    LIMITS.map(async ([name, rule]) => {
      const secondary = (await testRegistry({ version: 3 })).url;
      const proxy = await quirkProxy(secondary);
      // With a little time that each takes, many are under way however slow this machine is.
      proxy.rules.push(rule(proxy), { delayMs: 20 });
      const began = performance.now();
      const { published, copied } = await replicate(sitePair(primary, proxy.url), 'app');
      const seconds = (performance.now() - began) / 1000;
      const refused = proxy.seen.filter(({ status }) => status === 429).length;
      process.stderr.write(`${name}: ${proxy.count()} requests, ${refused} refused, ${seconds.toFixed(1)} s\n`);
      expect([name, copied?.failures]).toEqual([name, []]);
      expect([name, published.filter(({ state }) => state === 'verified').length]).toEqual([name, IMAGES]);
      // A slow machine may never come up to a rate.
      if (name.includes('at a time')) expect(refused).toBeGreaterThan(0);
      expect(refused).toBeLessThan(proxy.count() / 5);
      expect(difference(await walk(primary), await walk(secondary))).toEqual([]);
    }),
  );
}, 180_000);
