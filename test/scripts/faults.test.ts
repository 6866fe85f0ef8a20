import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lieOf, lostOf } from '../support/fault-table.ts';
import type { Holdings } from '../support/walk.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-faults-'));
const page = join(folder, 'docs/faults.md');
const reports = join(folder, 'reports.jsonl');
const TEST = 'test/faults/a.test.ts';
const ROWS = [
  { row: 'cut', fault: 'line cut' },
  { row: 'full', fault: 'disk full' },
];
afterAll(() => rmSync(folder, { recursive: true }));

/** A project with two faults, both named in one test, and an empty table. */
beforeEach(() => {
  cpSync('scripts', join(folder, 'scripts'), { recursive: true });
  writeFileSync(join(folder, 'scripts/faults/rows.json'), JSON.stringify(ROWS));
  for (const path of ['docs', 'test/faults']) mkdirSync(join(folder, path), { recursive: true });
  writeFileSync(join(folder, TEST), "['cut', 'full']");
  writeFileSync(page, 'before\n<!-- table: begin -->\n<!-- table: end -->\nafter\n');
});

interface Report {
  readonly row: string;
  readonly happened: string;
  readonly among?: string;
  readonly recoveredMs: number;
}
const CUT: Report = { row: 'cut', happened: 'went on', recoveredMs: 1_240 };
const FULL: Report = { row: 'full', happened: '`failed`: a|b', recoveredMs: 90 };

function run(name: 'updateFaults' | 'checkFaults', said: readonly Report[], ran: readonly string[] = [TEST]): string[] {
  writeFileSync(reports, said.map((report) => `${JSON.stringify({ ...report, lost: 0, lied: 0, test: TEST })}\n`).join(''));
  const script = `import { ${name} } from './scripts/faults/table.mjs';
    process.stdout.write(JSON.stringify(${name}(${JSON.stringify(reports)}, ${JSON.stringify(ran)}) ?? []));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: folder, encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  return (JSON.parse(stdout) as string[]).slice(1);
}

describe('the table of faults', () => {
  it('takes what tests report, and then finds nothing wrong', () => {
    run('updateFaults', [CUT, FULL]);
    expect(readFileSync(page, 'utf8')).toContain(`| [line cut](../${TEST}) | went on | 0 | 0 | 1.2 s |\n`);
    expect(readFileSync(page, 'utf8')).toContain('`failed`: a/b');
    expect(run('checkFaults', [CUT, FULL])).toEqual([]);
    expect(run('checkFaults', [], [])).toEqual([]);
  });

  it('makes one row of several registries, with the longest time', () => {
    run('updateFaults', [FULL, { ...CUT, among: '2.8' }, { ...CUT, happened: 'began anew', among: '3', recoveredMs: 3_000 }]);
    expect(readFileSync(page, 'utf8')).toContain('| 2.8: went on; 3: began anew | 0 | 0 | 3.0 s |');
  });

  it('says what is not as the tests say', () => {
    run('updateFaults', [CUT]);
    expect(run('checkFaults', [CUT])).toEqual([expect.stringMatching(/^full: .*without a result/)]);
    expect(run('checkFaults', [CUT, FULL])[0]).toMatch(/^full: reported, and not in the table/);
    run('updateFaults', [FULL]);
    expect(run('checkFaults', [CUT])).toEqual([expect.stringMatching(/^full: the table has it from .* which does not report it/)]);
    writeFileSync(join(folder, TEST), "['cut']");
    expect(run('checkFaults', [CUT, FULL])).toEqual([expect.stringMatching(/^full: neither .* have such a fault/)]);
  });

  it('is not written by hand', () => {
    run('updateFaults', [CUT, FULL]);
    writeFileSync(page, readFileSync(page, 'utf8').replace('<!-- table: end', '| me | all is well | 0 | 0 | 0.1 s |\n<!-- table: end'));
    expect(run('checkFaults', [CUT, FULL])).toEqual([expect.stringMatching(/changed by hand/)]);
  });
});

describe('what counts as lost and as lied', () => {
  const held = (tag: string): Holdings => ({ tags: { app: { v1: tag } }, manifests: {}, blobs: {}, problems: [] });

  it('is what the secondary lacks or has otherwise, and a claim that it does not bear out', () => {
    expect(lostOf(held('sha256:a'), held('sha256:a'))).toEqual([]);
    expect(lostOf(held('sha256:a'), held('sha256:b'))).toHaveLength(1);
    expect(lostOf(held('sha256:a'), { ...held('sha256:a'), tags: {} })).toHaveLength(1);
    expect(lostOf({ ...held('sha256:a'), tags: {} }, held('sha256:a'))).toEqual([]);
    const claim = { repository: 'app', tag: 'v1', digest: 'sha256:a' };
    expect(lieOf(claim, held('sha256:a'))).toEqual([]);
    expect(lieOf(claim, held('sha256:b'))).toHaveLength(1);
    expect(lieOf({ ...claim, tag: 'v2' }, held('sha256:a'))).toHaveLength(1);
  });
});
