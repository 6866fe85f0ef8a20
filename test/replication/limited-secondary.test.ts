import { beforeAll, beforeEach, expect, it } from '@jest/globals';
import { pushImage } from '../support/images.ts';
import { quirkProxy, type QuirkProxy, type QuirkRule } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { difference, walk } from '../support/walk.ts';
import { replicate, sitePair } from './pair.ts';

const IMAGES = 40;

let primary: string;
let secondary: string;

beforeAll(async () => {
  primary = (await testRegistry({ version: 3 })).url;
  for (let n = 0; n < IMAGES; n++) await pushImage(primary, 'app', `v${n}`, { layers: [{ seed: `${n}`, size: 2_000 }] });
}, 60_000);
beforeEach(async () => {
  secondary = (await testRegistry({ version: 3 })).url;
});

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

it.each<[string, (proxy: QuirkProxy) => QuirkRule]>([
  ['4 requests at a time', (proxy) => atATime(proxy, 4)],
  ['60 requests a second', () => aSecond(60, false)],
  ['60 requests a second, with Retry-After', () => aSecond(60, true)],
])(
  'a secondary that bears %s gets many small images with no failure and few refusals',
  async (name, rule) => {
    const proxy = await quirkProxy(secondary);
    proxy.rules.push(rule(proxy));
    const began = performance.now();
    const { published, copied } = await replicate(sitePair(primary, proxy.url), 'app');
    const seconds = (performance.now() - began) / 1000;
    const refused = proxy.seen.filter(({ status }) => status === 429).length;
    process.stderr.write(`${name}: ${proxy.count()} requests, ${refused} refused, ${seconds.toFixed(1)} s\n`);
    expect(copied?.failures).toEqual([]);
    expect(published.filter(({ state }) => state === 'verified')).toHaveLength(IMAGES);
    expect(refused).toBeGreaterThan(0);
    expect(refused).toBeLessThan(proxy.count() / 5);
    expect(difference(await walk(primary), await walk(secondary))).toEqual([]);
  },
  120_000,
);
