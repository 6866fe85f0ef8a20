import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'twinport-matrix-'));
const page = join(folder, 'docs/registries/README.md');
const reports = join(folder, 'reports.jsonl');
afterAll(() => rmSync(folder, { recursive: true }));

/** A project with an empty table, and with a page for each row. */
beforeEach(() => {
  cpSync('scripts', join(folder, 'scripts'), { recursive: true });
  cpSync('docs/registries', join(folder, 'docs/registries'), { recursive: true });
  for (const row of JSON.parse(readFileSync('scripts/matrix/rows.json', 'utf8')) as { page: string }[])
    writeFileSync(join(folder, 'docs/registries', row.page), '');
  writeFileSync(page, readFileSync(page, 'utf8').replace(/\[[✔✖]\][^|]*/gu, '– '));
});

type Report = readonly [row: string, column: string, test: string, lacks?: string];

/** Runs `updateTable` or `checkTable`; gives what the latter found. */
function run(name: 'updateTable' | 'checkTable', said: readonly Report[], ran: readonly string[]): string[] {
  writeFileSync(reports, said.map(([row, column, test, lacks]) => `${JSON.stringify({ row, column, test, lacks })}\n`).join(''));
  const script = `import { ${name} } from './scripts/matrix/report.mjs';
    process.stdout.write(JSON.stringify(${name}(${JSON.stringify(reports)}, ${JSON.stringify(ran)}) ?? []));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as string[];
}

const LIST = ['harbor', 'list', 'test/a.test.ts'] as const;
const DELETE = ['quay', 'delete', 'test/b.test.ts', 'by a placeholder'] as const;
const BOTH = ['test/a.test.ts', 'test/b.test.ts'];

describe('the table of registries', () => {
  it('takes what tests report, and then finds nothing wrong', () => {
    run('updateTable', [LIST, DELETE], BOTH);
    expect(readFileSync(page, 'utf8')).toContain('[✔](../../test/a.test.ts)');
    expect(readFileSync(page, 'utf8')).toContain('[✖](../../test/b.test.ts) by a placeholder');
    expect(run('checkTable', [LIST, DELETE], BOTH)).toEqual([]);
    // Tests that did not run take nothing back.
    expect(run('checkTable', [LIST], ['test/a.test.ts'])).toEqual([]);
  });

  it('says what is not as the tests say', () => {
    run('updateTable', [LIST], BOTH);
    const found = (said: readonly Report[]) => run('checkTable', said, BOTH).slice(1);
    expect(found([LIST, DELETE])).toEqual([expect.stringMatching(/quay delete: test\/b.test.ts reports it, the table has nothing/)]);
    expect(found([[...LIST, 'by hand']])).toEqual([expect.stringMatching(/harbor list: test\/a.test.ts says by hand, the table ✔/)]);
    expect(found([])).toEqual([expect.stringMatching(/harbor list: .*does not report it/)]);
  });

  it('loses what its test no longer reports', () => {
    run('updateTable', [LIST, DELETE], BOTH);
    run('updateTable', [DELETE], BOTH);
    expect(run('checkTable', [DELETE], BOTH)).toEqual([]);
  });

  it('is not written by hand, and its links lead somewhere', () => {
    writeFileSync(page, readFileSync(page, 'utf8').replace('| – |', '| [✔](me) |'));
    expect(run('checkTable', [], [])[1]).toMatch(/changed by hand/);
    writeFileSync(page, readFileSync(page, 'utf8').replace('| [✔](me) |', '| – |'));
    rmSync(join(folder, 'docs/registries/oci.md'));
    expect(run('checkTable', [], [])[1]).toMatch(/pages that are not there: oci.md/);
  });

  it('turns down two answers to one question', () => {
    expect(() => run('updateTable', [LIST, ['harbor', 'list', 'test/b.test.ts', 'by hand']], BOTH)).toThrow(
      /harbor list: test\/a.test.ts says ✔, test\/b.test.ts says by hand/,
    );
  });
});
