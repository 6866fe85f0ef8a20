import { expect, it } from '@jest/globals';
import { markVerification } from '../../src/ledger/index.ts';
import { policyOf, synced } from '../ledger/support.ts';
import { until, useStarter } from './support.ts';

const world = useStarter(['eu', 'us']);

interface Said {
  readonly event: string;
  readonly data: { items?: { name: string; total: number }[]; error?: { code: string } };
}

/** Listens, and gives what was said so far. */
async function listen(url = world.url): Promise<{ said: Said[]; ended: Promise<void>; stop: () => void }> {
  const stopping = new AbortController();
  const answer = await fetch(`${url}/api/v1/events`, { signal: stopping.signal });
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('text/event-stream');
  const said: Said[] = [];
  const ended = (async () => {
    let text = '';
    for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const parts = text.split('\n\n');
      text = parts.pop() ?? '';
      for (const part of parts) {
        const [, event, data] = /^event: (\w+)\ndata: (.*)$/.exec(part) ?? [];
        if (event !== undefined && data !== undefined) said.push({ event, data: JSON.parse(data) as Said['data'] });
      }
    }
  })().catch(() => undefined);
  return { said, ended, stop: () => stopping.abort() };
}

const totalIn = ({ data }: Said, site: string): number | undefined => data.items?.find(({ name }) => name === site)?.total;

it('says how the sites are, at once and when it changes, to all who listen', async () => {
  const first = await listen();
  await until(async () => first.said[0]);
  expect(first.said[0]).toMatchObject({ event: 'sites', data: { items: [{ name: 'eu', total: 0 }, { name: 'us' }] } });
  const second = await listen();
  await until(async () => second.said[0]);
  await markVerification(world.ledger, { policy: policyOf('eu'), repository: 'app', outcomes: [synced('v1', 1, 100)] }, 101);
  for (const { said } of [first, second]) await until(async () => said.find((one) => totalIn(one, 'eu') === 1));
  first.stop();
  await first.ended;
  // Who comes later is told too.
  const third = await listen();
  await until(async () => third.said.find((one) => totalIn(one, 'eu') === 1));
  for (const { stop } of [second, third]) stop();
});

it('ends with the starter, and does not hold it up', async () => {
  const starter = await world.another({ listen: '127.0.0.1:0' });
  const { said, ended } = await listen(starter.url);
  await until(async () => said[0]);
  await starter.close();
  await ended;
});

it('is for those who may read', async () => {
  const answer = await fetch(`${world.url}/api/v1/events`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
  expect(answer.status).toBe(401);
});
