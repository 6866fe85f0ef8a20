import { readFileSync } from 'node:fs';

/** Twinport's own, from package.json, which lies beside `src` and beside `dist`. */
export function version(): string {
  for (const up of ['../../', '../../../']) {
    try {
      return (JSON.parse(readFileSync(new URL(`${up}package.json`, import.meta.url), 'utf8')) as { version: string }).version;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return 'unknown';
}
