import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { line, readLines, tableOf } from '../matrix/page.mjs';
import { root } from '../parts/cache.mjs';

/*
 * The table of docs/faults.md: what the fault suite found when it ran, a row a fault, through `watchFault` of test/support/fault-table.ts.
 */

const TABLE = tableOf('docs/faults.md');
const ROWS = JSON.parse(readFileSync(new URL('rows.json', import.meta.url), 'utf8'));
const HEAD = line(['fault', 'what happened', 'lost', 'lied', 'recovered in']) + line(Array(5).fill('---'));
const MEND = 'mend it with `npm run docs:faults -- <test files>`';

/** Puts into the table what tests reported; rows of tests that did not run stay as they are. */
export function updateFaults(reportFile) {
  const rows = readPage();
  for (const [row, reports] of byRow(reportFile)) rows.set(row, rowOf(reports));
  TABLE.write(render(rows));
}

/**
 * Compares the rows of the table with the tests.
 * @param ran files whose tests all ran: a row that links to one of them must have been reported by it
 * @returns what is wrong, a line each
 */
export function checkFaults(reportFile, ran) {
  const [rows, reports] = [readPage(), byRow(reportFile)];
  const faults = [];
  for (const row of reports.keys()) if (!rows.has(row)) faults.push(`${row}: reported, and not in the table`);
  for (const [row, { test }] of rows) {
    if (ran.includes(test) && !reports.has(row)) faults.push(`${row}: the table has it from ${test}, which does not report it`);
    if (!named(test, row)) faults.push(`${row}: neither ${test} nor the files beside it have such a fault`);
  }
  for (const { row } of ROWS) if (!rows.has(row)) faults.push(`${row}: a row of scripts/faults/rows.json without a result`);
  if (TABLE.read() !== render(rows)) faults.push('its table was changed by hand, or is not of the rows of scripts/faults/rows.json');
  return faults.length === 0 ? [] : [`docs/faults.md is not what the tests say; ${MEND}:`, ...faults];
}

/** Reports of one fault with several registries are one row: all that happened, the sums, and the longest time. */
function rowOf(reports) {
  const words = new Map();
  for (const { happened, among } of reports) words.set(happened, [...(words.get(happened) ?? []), among].filter(Boolean));
  const several = words.size > 1;
  return {
    happened: [...words].map(([text, among]) => (several && among.length > 0 ? `${among.join(', ')}: ${text}` : text)).join('; '),
    lost: reports.reduce((sum, { lost }) => sum + lost, 0),
    lied: reports.reduce((sum, { lied }) => sum + lied, 0),
    recovered: `${(Math.max(...reports.map(({ recoveredMs }) => recoveredMs)) / 1000).toFixed(1)} s`,
    test: reports[0].test,
  };
}

/** Whether a test, or a file beside it, names a fault. */
function named(test, row) {
  const folder = join(root, dirname(test));
  if (!existsSync(join(root, test))) return false;
  return readdirSync(folder).some((file) => file.endsWith('.ts') && readFileSync(join(folder, file), 'utf8').includes(`'${row}'`));
}

function byRow(file) {
  const rows = new Map();
  for (const report of readLines(file)) rows.set(report.row, [...(rows.get(report.row) ?? []), report]);
  return rows;
}

function readPage() {
  const rows = new Map();
  for (const text of TABLE.read().split('\n').slice(2)) {
    const found = /^\| \[(.+?)\]\(\.\.\/([^)]+)\) \| (.+) \| (\d+) \| (\d+) \| ([\d.]+ s) \|$/u.exec(text);
    const row = found && ROWS.find(({ fault }) => fault === found[1])?.row;
    if (row) rows.set(row, { test: found[2], happened: found[3], lost: Number(found[4]), lied: Number(found[5]), recovered: found[6] });
  }
  return rows;
}

function render(rows) {
  const lines = ROWS.filter(({ row }) => rows.has(row)).map(({ row, fault }) => {
    const { test, happened, lost, lied, recovered } = rows.get(row);
    return line([`[${fault}](../${test})`, happened.replaceAll('|', '/').replaceAll('\n', ' '), lost, lied, recovered]);
  });
  return HEAD + lines.join('');
}
