import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../parts/cache.mjs';
import { line, tableOf } from './page.mjs';

/*
 * The table of docs/registries/README.md. It is what tests said that ran: each mark links to the file of the test that it is from.
 */

/** What the table tells of a registry, in the order of its columns. */
export const COLUMNS = ['auth', 'list', 'copy', 'mount', 'resume', 'delete', 'referrers', 'events'];

const TABLE = tableOf('docs/registries/README.md');
const ROWS = JSON.parse(readFileSync(new URL('rows.json', import.meta.url), 'utf8'));

/** The cells of the page: row and column → what a test found. */
export function readPage() {
  const cells = new Map();
  for (const { row, name, page } of ROWS) {
    const text = TABLE.read()
      .split('\n')
      .find((one) => one.startsWith(`| [${name}](${page}) |`));
    const texts = text?.split('|').slice(3, -1) ?? [];
    texts.forEach((cell, at) => {
      const found = /^ \[(✔|✖)\]\(\.\.\/\.\.\/([^)]+)\)(?: (.+))? $/u.exec(cell);
      if (found) cells.set(`${row} ${COLUMNS[at]}`, { file: found[2], lacks: found[1] === '✔' ? undefined : found[3] });
    });
  }
  return cells;
}

/** Writes the cells into the page. */
export function writePage(cells) {
  TABLE.write(render(cells));
}

/** Why the page is not what these cells make of it, or `undefined`. */
export function faultOfPage() {
  if (TABLE.read() !== render(readPage())) return 'its table was changed by hand, or is not of the rows and columns of scripts/matrix';
  const missing = ROWS.map(({ page }) => page).filter((page) => !existsSync(join(root, 'docs/registries', page)));
  return missing.length > 0 ? `it links to pages that are not there: ${[...new Set(missing)].join(', ')}` : undefined;
}

function render(cells) {
  const head = line(['registry', 'what ran', ...COLUMNS]) + line(Array(COLUMNS.length + 2).fill('---'));
  return (
    head + ROWS.map((row) => line([`[${row.name}](${row.page})`, row.ran, ...COLUMNS.map((column) => mark(cells, row, column))])).join('')
  );
}

function mark(cells, { row }, column) {
  const cell = cells.get(`${row} ${column}`);
  if (!cell) return '–';
  return cell.lacks === undefined ? `[✔](../../${cell.file})` : `[✖](../../${cell.file}) ${cell.lacks}`;
}
