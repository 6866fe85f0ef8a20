import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../parts/cache.mjs';

const [BEGIN, END] = ['<!-- table: begin -->\n', '<!-- table: end -->'];

/** The generated table of a page of the docs: read, and put in its place. */
export function tableOf(page) {
  const file = join(root, page);
  const parts = () => {
    const text = readFileSync(file, 'utf8');
    const [from, to] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
    return [text.slice(0, from), text.slice(from, to), text.slice(to)];
  };
  return {
    read: () => parts()[1],
    write(table) {
      const [before, , after] = parts();
      writeFileSync(file, before + table + after);
    },
  };
}

/** A line of a table. */
export const line = (texts) => `| ${texts.join(' | ')} |\n`;

/** What tests reported, an object a line; none without the file. */
export function readLines(file) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  return lines.filter((text) => text !== '').map((text) => JSON.parse(text));
}
