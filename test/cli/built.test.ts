import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { workFolder } from '../support/twinport.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ENV = { ...process.env, NODE_OPTIONS: '' };

/** A copy of the built program alone, somewhere else. @returns its folder */
async function copied(): Promise<string> {
  const folder = await workFolder();
  await mkdir(join(folder, 'dist'));
  const parts = [
    'package.json',
    'dist/program.cjs',
    'dist/program.cjs.v8',
    'dist/src/processes/built.js',
    'dist/src/processes/cli/main.js',
  ];
  for (const part of parts) await cp(join(ROOT, part), join(folder, part), { recursive: true });
  return folder;
}

async function version(folder: string): Promise<string> {
  const { stdout } = await run(process.execPath, [join(folder, 'dist/src/processes/cli/main.js'), '--version'], { env: ENV });
  return stdout.trim();
}

/** Whether V8 takes the code that was kept. */
async function takes(folder: string, name: string): Promise<boolean> {
  const code = `import { compile } from '${join(folder, 'dist/src/processes/built.js')}';
    console.log(compile('${join(folder, 'dist', name)}').cachedDataRejected === false)`;
  return (await run(process.execPath, ['--input-type=module', '-e', code], { env: ENV })).stdout.trim() === 'true';
}

it.each(['program.cjs', 'workflow-thread.cjs'])('V8 takes what it compiled of %s at the build', async (name) => {
  expect(await takes(ROOT, name)).toBe(true);
});

it('what V8 compiled is of use elsewhere, and what it does not take is compiled again', async () => {
  const own = (JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
  const folder = await copied();
  expect([await takes(folder, 'program.cjs'), await version(folder)]).toEqual([true, own]);
  const kept = join(folder, 'dist/program.cjs.v8');
  const whole = await readFile(kept);
  for (const broken of [whole.subarray(0, whole.length / 2), Buffer.alloc(whole.length), Buffer.alloc(0)]) {
    await writeFile(kept, broken);
    expect([await takes(folder, 'program.cjs'), await version(folder)]).toEqual([false, own]);
  }
});
