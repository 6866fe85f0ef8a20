import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const SCRIPT = new URL('../../scripts/run/tests.mjs', import.meta.url).href;

describe('npm test', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp('/tmp/twinport-test-');
    await writeFile(join(folder, 'jest.config.mjs'), `export default { rootDir: ${JSON.stringify(folder)} };\n`);
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  /** Runs files of tests as `npm test` does. @returns its exit code and its last line */
  async function run(files: Record<string, string>, again = true): Promise<[code: number, last: string | undefined]> {
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, `${name}.test.cjs`), text);
    const config = JSON.stringify(join(folder, 'jest.config.mjs'));
    const program = `import { testAndCount } from ${JSON.stringify(SCRIPT)};
      const options = { again: ${again}, compare: () => [] };
      process.exitCode = await testAndCount(${config}, [], ${JSON.stringify(folder)}, options);`;
    const { stdout, code = 0 } = (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]).catch(
      (failed: { stdout: string; code: number }) => failed,
    )) as { stdout: string; code?: number };
    return [code, stdout.trim().split('\n').at(-1)];
  }

  const passes = `test('passes', () => undefined);`;
  /** Of two tests one fails, as often as is said. */
  const fails = (times: number, where = `test('fails', f);`): string => `
    const { existsSync, writeFileSync } = require('node:fs');
    const f = () => {
      for (let n = 0; n < ${times}; n++) {
        const mark = __filename + '.' + n;
        if (existsSync(mark)) continue;
        writeFileSync(mark, '');
        throw new Error('not now');
      }
    };
    ${passes} ${where}`;

  it('runs a file that failed once more, and counts what it said then', async () => {
    expect(await run({ good: passes, once: fails(1) })).toEqual([0, '3 passed, 0 failed']);
    expect(await run({ good: passes, start: fails(1, `beforeAll(f);`), end: fails(1, `afterAll(f);`) })).toEqual([0, '5 passed, 0 failed']);
  });

  it('has failed where it fails twice', async () => {
    expect(await run({ good: passes, twice: fails(2) })).toEqual([1, '2 passed, 1 failed']);
    expect(await run({ good: passes, end: fails(2, `afterAll(f);`) })).toEqual([1, '4 passed, 1 failed']);
    expect(await run({ broken: 'syntax error' })).toEqual([1, '4 passed, 1 failed']);
  });

  it('runs nothing again where it is not told to, or where many fail', async () => {
    expect(await run({ once: fails(1) }, false)).toEqual([1, '1 passed, 1 failed']);
    const many = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`many${n}`, fails(1)]));
    expect(await run(many)).toEqual([1, '11 passed, 9 failed']);
  });

  it('says so where there is no test', async () => {
    expect(await run({})).toEqual([1, '0 passed, 1 failed']);
  });
});
