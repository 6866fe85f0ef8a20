import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { registerSites } from '../../src/ledger/index.ts';
import { randomOf } from '../support/random.ts';
import { World } from './recovery-model.ts';
import { useLedger } from './support.ts';

const use = useLedger();
/** `TWINPORT_HISTORIES=10000` runs so many; `TWINPORT_SEED` is the first. */
const HISTORIES = Number(process.env['TWINPORT_HISTORIES'] ?? 40);
const SEED = Number(process.env['TWINPORT_SEED'] ?? 1);
const STEPS = 70;
/** Histories are of sites of their own, and disturb each other as little as sites do. */
const AT_ONCE = 6;

describe('the recovery point', () => {
  it(
    `is never better than the truth, and the observed lag never worse, over ${HISTORIES} histories`,
    async () => {
      // What a history comes to does not depend on whether it outlives a power cut.
      await sql`alter system set synchronous_commit = off`.execute(use.ledger.db);
      await sql`select pg_reload_conf()`.execute(use.ledger.db);
      let proved = 0;
      let seed = SEED;
      const lane = async (): Promise<void> => {
        while (seed < SEED + HISTORIES) {
          const times = await liveThrough(seed++);
          proved += times;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
      // A point that is never proved would pass as well.
      expect(proved).toBeGreaterThanOrEqual(HISTORIES / 2);
    },
    Math.max(600_000, 10_000 * HISTORIES),
  );
});

/** @returns how often something was proved */
async function liveThrough(seed: number): Promise<number> {
  const random = randomOf(seed);
  const world = new World(use.ledger, `history-${seed}-${Date.now()}`, random);
  let proved = 0;
  await registerSites(use.ledger, [{ name: world.site, fingerprint: 'f' }], { reset: false });
  for (let step = 0; step < STEPS; step++) {
    await world.step();
    if (random() > 0.25) continue;
    const checked = await world.check();
    if (checked.proved) proved += 1;
    if (checked.broken !== undefined) throw new Error(`seed ${seed}: ${checked.broken}\n${world.log.join('\n')}`);
  }
  await forget(world.site);
  return proved;
}

/** The next ones must not pay for what is over. */
async function forget(site: string): Promise<void> {
  await registerSites(use.ledger, [{ name: site, fingerprint: 'g' }], { reset: true });
  await use.ledger.db.deleteFrom('sites').where('name', '=', site).execute();
}
