import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { transformFileSync } from '@swc/core';
import { spawnChild } from '../../src/processes/embedded/child.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-child-'));
const env = { PATH: process.env['PATH'] };
const parents: ChildProcess[] = [];
// Also after a test that failed: what still runs would keep the tests from ending.
afterEach(() => {
  for (const parent of parents.splice(0)) parent.kill('SIGKILL');
  rmSync(join(folder, 'ready'), { force: true });
});

/** A server that says when it runs, and that ignores SIGTERM if told so. */
const server = (options: { stubborn?: boolean } = {}) => [
  '-e',
  `${options.stubborn ? "process.on('SIGTERM', () => {});" : ''}
   const fs = require('fs'); fs.writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(process.pid));
   fs.renameSync(${JSON.stringify(join(folder, 'pid'))}, ${JSON.stringify(join(folder, 'ready'))}); setInterval(() => {}, 1000);`,
];
const readyWhen = () => Promise.resolve(existsSync(join(folder, 'ready')));

describe('spawnChild', () => {
  it('gives the pid of the server itself, hands signals on, and leaves no process behind', async () => {
    const child = await spawnChild({ command: process.execPath, args: server(), env, readyWhen });
    expect(readFileSync(join(folder, 'ready'), 'utf8')).toBe(String(child.pid));
    expect(group(child.pid).length).toBe(2);
    await child.stop();
    expect(await child.exited).toEqual({ code: null, signal: 'SIGTERM' });
    expect(await leftOf(child.pid)).toEqual([]);
  });

  it('kills what does not end when asked', async () => {
    const child = await spawnChild({ command: process.execPath, args: server({ stubborn: true }), env, readyWhen });
    await child.stop(200);
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    expect(await leftOf(child.pid)).toEqual([]);
  });

  it('tells how a server that ends at once ended, with its last output', async () => {
    const args = ['-e', "console.error('no such option'); process.exit(3)"];
    const starting = spawnChild({ command: process.execPath, args, env, readyWhen });
    await expect(starting).rejects.toMatchObject({ code: 'UNREACHABLE', message: expect.stringMatching(/exit code 3.*no such option/s) });
  });

  it('tells the output from the log file too, and only this run’s', async () => {
    const logFile = join(folder, 'server.log');
    writeFileSync(logFile, 'yesterday\n');
    const starting = spawnChild({ command: '/nowhere/server', args: [], env, logFile, readyWhen });
    await expect(starting).rejects.toMatchObject({ message: expect.stringMatching(/not found/) });
    await expect(starting).rejects.toMatchObject({ message: expect.not.stringMatching(/yesterday/) });
    expect(readFileSync(logFile, 'utf8')).toMatch(/^yesterday\n.*not found/s);
  });

  it('notices that a server ended by itself', async () => {
    const child = await spawnChild({ command: process.execPath, args: server(), env, readyWhen });
    process.kill(child.pid, 'SIGKILL');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGKILL' });
    await child.stop();
    expect(await leftOf(child.pid)).toEqual([]);
  });

  it.each([
    ['a server', false],
    ['a server that ignores SIGTERM', true],
  ])('ends %s within 5 s of the kill -9 of our process', async (_, stubborn) => {
    const parent = await parentWith(server({ stubborn }));
    const pid = Number(readFileSync(join(folder, 'ready'), 'utf8'));
    expect(group(pid).length).toBe(2);
    parent.kill('SIGKILL');
    const killedAt = Date.now();
    while (group(pid).length > 0 && Date.now() - killedAt < 10_000) await sleep(50);
    // Of these, 3 s are the grace; a busy machine takes longer to count them.
    expect(Date.now() - killedAt).toBeLessThan(8_000);
  });
});

/** Another process of ours, which starts `args` through `spawnChild` and waits. */
async function parentWith(args: string[]) {
  // Node 20 runs no TypeScript: what child.ts imports is compiled into the folder, by the compiler that the tests use.
  for (const file of ['processes/embedded/child', 'processes/embedded/tail', 'model/failure']) {
    const source = new URL(`../../src/${file}.ts`, import.meta.url).pathname;
    const { code } = transformFileSync(source, { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } });
    writeFileSync(join(folder, `${file.split('/').at(-1)}.mjs`), code.replaceAll(/from '.*\/([a-z-]+)\.ts'/g, "from './$1.mjs'"));
  }
  const script = join(folder, 'parent.mjs');
  const from = JSON.stringify(pathToFileURL(join(folder, 'child.mjs')).href);
  const options = JSON.stringify({ command: process.execPath, args, env });
  writeFileSync(
    script,
    `import { spawnChild } from ${from};
     import { existsSync } from 'node:fs';
     await spawnChild({ ...${options}, readyWhen: async () => existsSync(${JSON.stringify(join(folder, 'ready'))}) });
     setInterval(() => {}, 1000);`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ['ignore', 'inherit', 'inherit'] });
  parents.push(parent);
  const deadline = Date.now() + 30_000;
  while (!existsSync(join(folder, 'ready')) && Date.now() < deadline) await sleep(20);
  return parent;
}

/** The living processes of a process group, zombies left out. */
function group(pgid: number): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return Number(stat[2]) === pgid && stat[0] !== 'Z';
    } catch {
      return false; // ended meanwhile
    }
  });
}

/** What is left of a group once the system has put its dead away. */
async function leftOf(pid: number): Promise<unknown[]> {
  for (let tries = 0; tries < 200 && group(pid).length > 0; tries++) await sleep(50);
  return group(pid);
}
