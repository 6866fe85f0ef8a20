import { it } from '@jest/globals';
import { runCases, WIRE_CASES } from '../faults/cases.ts';
import { wireSystem } from '../faults/system.ts';

/** What `npm run test:faults` has more of. */
const A_FEW = ['reset', 'wrong-blob', 'quota-403', 'retry-after-date'];

it('a few of the faults of a repository, one of each sort', async () => {
  const system = await wireSystem({ version: 2 }, { version: 3 });
  await runCases(
    system,
    WIRE_CASES.filter(({ row }) => A_FEW.includes(row)),
    'to Distribution 3',
  );
});
