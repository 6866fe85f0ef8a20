import { readLines } from './page.mjs';
import { faultOfPage, readPage, writePage } from './table.mjs';

const MEND = 'mend it with `npm run docs:registries -- <test files>`';

/** What tests reported through `cell()` of test/support/matrix.ts: `row column` → file → what it lacks, if it does. */
function readReports(file) {
  const reports = new Map();
  for (const { row, column, lacks, test } of readLines(file)) {
    const key = `${row} ${column}`;
    const others = reports.get(key) ?? new Map();
    if (others.has(test) && others.get(test) !== lacks)
      throw new Error(`${test} says two things of ${key}: ${lacks ?? '✔'} and ${others.get(test) ?? '✔'}`);
    reports.set(key, others.set(test, lacks));
  }
  return reports;
}

/**
 * Compares the table of the docs with what tests reported.
 * @param ran files whose tests all ran: a cell that links to one of them must have been reported by it
 * @returns what is wrong, a line each
 */
export function checkTable(reportFile, ran) {
  const reports = readReports(reportFile);
  const page = readPage();
  const faults = [];
  for (const [key, files] of reports) {
    for (const [file, lacks] of files) {
      const cell = page.get(key);
      if (!cell) faults.push(`${key}: ${file} reports it, the table has nothing`);
      else if (cell.lacks !== lacks) faults.push(`${key}: ${file} says ${lacks ?? '✔'}, the table ${cell.lacks ?? '✔'}`);
    }
  }
  for (const [key, { file }] of page) {
    if (ran.includes(file) && !reports.get(key)?.has(file)) faults.push(`${key}: the table has it from ${file}, which does not report it`);
  }
  const fault = faultOfPage();
  if (fault !== undefined) faults.push(fault);
  return faults.length === 0 ? [] : [`docs/registries/README.md is not what the tests say; ${MEND}:`, ...faults];
}

/** Puts into the table what tests reported, and takes out what the files that ran no longer report. */
export function updateTable(reportFile, ran) {
  const reports = readReports(reportFile);
  const page = readPage();
  for (const [key, { file }] of page) if (ran.includes(file)) page.delete(key);
  for (const [key, files] of reports) {
    const said = [...files].sort(([a], [b]) => (a < b ? -1 : 1));
    const [file, lacks] = said[0];
    const other = said.find(([, otherLacks]) => otherLacks !== lacks);
    if (other) throw new Error(`${key}: ${file} says ${lacks ?? '✔'}, ${other[0]} says ${other[1] ?? '✔'}`);
    const old = page.get(key);
    if (!old || old.lacks !== lacks) page.set(key, { file, lacks });
  }
  writePage(page);
}
