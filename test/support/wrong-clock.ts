import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from '@jest/globals';

const LOOKS_EVERY_MS = 50;

/** The clock of Node processes, that can be wrong. Temporal's own library, which is none of Node, goes by the right one. */
export interface WrongClock {
  /** Of processes that go by it. */
  readonly env: Record<string, string>;
  /** Sets it wrong by so many milliseconds, also for those that run. */
  set(ms: number): Promise<void>;
}

/** A clock that is wrong by so many milliseconds from the beginning. */
export function wrongClock(ms = 0): WrongClock {
  const folder = mkdtempSync(join(tmpdir(), 'twinport-clock-'));
  folders.push(folder);
  const file = join(folder, 'skew');
  writeFileSync(file, String(ms));
  const source = `
    import { readFileSync } from 'node:fs';
    const Real = Date;
    const read = () => Number(readFileSync(${JSON.stringify(file)}, 'utf8'));
    let skew = read();
    setInterval(() => { try { skew = read() } catch {} }, ${LOOKS_EVERY_MS}).unref();
    globalThis.Date = class extends Real {
      constructor(...of) { of.length === 0 ? super(Real.now() + skew) : super(...of); }
      static now() { return Real.now() + skew; }
    };`;
  return {
    env: { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(source)}"` },
    async set(wrong) {
      writeFileSync(file, String(wrong));
      await sleep(10 * LOOKS_EVERY_MS);
    },
  };
}

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});
