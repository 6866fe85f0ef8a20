import { describe, it } from '@jest/globals';
import { RANGES, runCase, runCases, STORMS, WIRE_CASES } from './cases.ts';
import { wireSystem } from './system.ts';

describe.each([
  [2, 3],
  [3, 2],
] as const)('from Distribution %i to %i', (from, to) => {
  it('gets over each fault of a repository, and tells the truth meanwhile', async () => {
    const system = await wireSystem({ version: from }, { version: to });
    await runCases(system, WIRE_CASES, `to Distribution ${to === 2 ? '2.8' : '3'}`);
  }, 400_000);

  it('gets over storms of refusals', async () => {
    const system = await wireSystem({ version: from }, { version: to });
    for (const storm of STORMS) await runCase(system, storm, `to Distribution ${to === 2 ? '2.8' : '3'}`);
  });

  // What a site finds out about ranges holds for all of its primary's blobs, for a minute.
  it.each(RANGES)('gets over $row', async (fault) => {
    const system = await wireSystem({ version: from }, { version: to });
    await runCase(system, fault, `to Distribution ${to === 2 ? '2.8' : '3'}`);
  });
});
