import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { expect } from '@jest/globals';

/** What the table of docs/registries/README.md tells of a registry. */
export type Column = 'auth' | 'list' | 'copy' | 'mount' | 'resume' | 'delete' | 'referrers' | 'events';

const rows = (JSON.parse(readFileSync('scripts/matrix/rows.json', 'utf8')) as { row: string }[]).map(({ row }) => row);

// Read now: some tests take the environment away.
const file = process.env['TWINPORT_MATRIX'];

/**
 * Says, as the last line of a test, what the test has shown of a registry: a cell of the table in docs/registries/README.md, which is made from
 * these reports by `npm run docs:registries` and compared with them by `npm test`.
 * @param row one of scripts/matrix/rows.json
 * @param lacks what the registry, as the test has shown, does not do, in a few words: `by fallback tag`; absent: it does
 */
export function cell(row: string, column: Column, lacks?: string): void {
  if (!rows.includes(row)) throw new Error(`no row ${row} in scripts/matrix/rows.json: there are ${rows.join(', ')}`);
  if (file === undefined) return;
  const { testPath } = expect.getState();
  appendFileSync(file, `${JSON.stringify({ row, column, lacks, test: relative(process.cwd(), testPath ?? '') })}\n`);
}
