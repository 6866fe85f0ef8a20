import { afterAll, it } from '@jest/globals';
import fc from 'fast-check';

/** A short cut within `npm test`; the whole with `npm run test:fuzz`. */
const SHARE = Number(process.env['TWINPORT_FUZZ_SHARE'] ?? 0.04);
const SEED = Number(process.env['TWINPORT_FUZZ_SEED'] ?? 20_261_125);

let done = 0;

/**
 * A test with generated cases: `holds` must end without throwing for each of them.
 * @param cases of the whole run
 */
export function fuzz<T>(name: string, cases: number, given: fc.Arbitrary<T>, holds: (value: T) => void | Promise<void>): void {
  const numRuns = Math.max(20, Math.ceil(cases * SHARE));
  it(`${name}: ${numRuns} cases`, async () => {
    const property = fc.asyncProperty(given, async (value) => {
      done += 1;
      await holds(value);
    });
    await fc.assert(property, { seed: SEED, numRuns, endOnFailure: SHARE < 1 });
  }, 900_000);
}

afterAll(() => {
  process.stderr.write(`fuzz: ${done} cases, seed ${SEED} (TWINPORT_FUZZ_SEED chooses another)\n`);
});
