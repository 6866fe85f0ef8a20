import { expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { pino } from 'pino';
import type { TwinportError } from '../../src/model/failure.ts';
import { keepRunning, type Server } from '../../src/processes/embedded/keep-running.ts';
import { createStack } from '../../src/processes/embedded/stack.ts';

const logger = pino({ level: 'silent' });

function server(): Server {
  const child = spawn('sleep', ['60']);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const stop = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  return { pid: child.pid ?? 0, ended, stop };
}
const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
async function changed(pid: () => number, from: number): Promise<number> {
  for (let n = 0; n < 1_200 && pid() === from; n += 1) await new Promise((resolve) => setTimeout(resolve, 25));
  return pid();
}

it('starts a server again that has ended by itself, and ends the last one', async () => {
  const failures: TwinportError[] = [];
  const kept = keepRunning({ name: 'x', first: server(), again: async () => server(), fail: (error) => failures.push(error), logger });
  const first = kept.pid;
  process.kill(first, 'SIGKILL');
  const second = await changed(() => kept.pid, first);
  expect(second).not.toBe(first);
  expect(alive(second)).toBe(true);
  await kept.stop();
  expect(alive(second)).toBe(false);
  expect(kept.pid).toBe(second);
  expect(failures).toEqual([]);
});

it('says so where it cannot be started again', async () => {
  const failed = new Promise<TwinportError>((resolve) => {
    const kept = keepRunning({ name: 'x', first: server(), fail: resolve, logger });
    process.kill(kept.pid, 'SIGKILL');
  });
  expect(await failed).toMatchObject({ code: 'UNREACHABLE', message: expect.stringContaining('the embedded x has ended') });
});

it('a stack ends all, last first, whatever fails', async () => {
  const ends: string[] = [];
  const stack = createStack((name) => ends.push(`${name} failed`));
  stack.add('a', async () => ends.push('a'));
  stack.add('b', async () => Promise.reject(new Error('no')));
  stack.add('c', async () => ends.push('c'));
  await Promise.all([stack.close(), stack.close()]);
  expect(ends).toEqual(['c', 'b failed', 'a']);
  await stack.close();
  expect(ends).toHaveLength(3);
});
