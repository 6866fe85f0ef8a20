import { readFile } from 'node:fs/promises';

const README = new URL('../../README.md', import.meta.url);

/** The rows of the first table below a heading of the README, without its head; each cell as it is written, but for escaped pipes. */
export async function readmeTable(heading: string): Promise<string[][]> {
  const [, below] = (await readFile(README, 'utf8')).split(`\n## ${heading}\n`);
  const [, table] = /(?:^|\n)\|[^\n]*\n\|[-|: ]*\n((?:\|[^\n]*\n)+)/.exec(below?.split('\n## ')[0] ?? '') ?? [];
  if (table === undefined) throw new Error(`the README has no table below "${heading}"`);
  return table.trim().split('\n').map(cellsOf);
}

/** What a cell shows as code: all of the cell, but for the dots between several. @throws {Error} where it says something beside */
export function codeOf(cell: string): string[] {
  const codes = [...cell.matchAll(/`([^`]+)`/g)].map(([, code]) => code ?? '');
  const beside = cell
    .replace(/`[^`]+`/g, '')
    .replaceAll('·', '')
    .trim();
  if (codes.length === 0 || beside !== '') throw new Error(`a cell of commands must hold nothing else: ${cell}`);
  return codes;
}

/** What a command's form names that a run has or has not: subcommands, options and the values to choose from; placeholders are no such words. */
export function wordsOf(form: string): string[] {
  const parts = form.replace(/[[\]()…]/g, ' ').split(/[\s|]+/);
  return [...new Set(parts.filter((part) => /^(?:--?)?[a-z][a-z-]*$/.test(part)))];
}

function cellsOf(line: string): string[] {
  const cells = line.split(/(?<!\\)\|/).slice(1, -1);
  return cells.map((cell) => cell.replaceAll('\\|', '|').trim());
}
