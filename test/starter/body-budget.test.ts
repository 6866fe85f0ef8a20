import { PassThrough, type Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { createBodyBudget } from '../../src/processes/starter/body-budget.ts';

/** A body that arrives as it is written, and its reader, who reads all the time. */
function arriving(budget: (body: Readable) => Readable): { body: PassThrough; read: Promise<string> } {
  const body = new PassThrough();
  const read = text(budget(body));
  read.catch(() => undefined);
  return { body, read };
}

it('lets bodies through, whole', async () => {
  const { body, read } = arriving(createBodyBudget(10));
  body.write('12345');
  body.end('67890');
  expect(await read).toBe('1234567890');
});

it('ends the body that goes over it with 503, and no other', async () => {
  const budget = createBodyBudget(10);
  const first = arriving(budget);
  const second = arriving(budget);
  first.body.write('123456');
  await turn();
  second.body.write('12345');
  await expect(second.read).rejects.toMatchObject({ status: 503, code: 'UNAVAILABLE', headers: { 'retry-after': '5' } });
  first.body.end('7890');
  expect(await first.read).toBe('1234567890');
});

it.each<[string, (body: PassThrough) => void]>([
  ['ended', (body) => body.end()],
  ['was cut', (body) => body.destroy()],
  ['failed', (body) => body.destroy(new Error('reset'))],
])('counts no body that %s', async (_what, end) => {
  const budget = createBodyBudget(10);
  const before = arriving(budget);
  before.body.write('1234567890');
  await turn();
  end(before.body);
  await before.read.catch(() => undefined);
  await turn();
  const after = arriving(budget);
  after.body.end('1234567890');
  expect(await after.read).toBe('1234567890');
});
