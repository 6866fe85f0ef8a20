import { expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import { toldReferrers } from '../../src/model/referrers.ts';

it('of many referrers some are told, and of a long type its beginning: a hundred images go into one payload', () => {
  const many = Array.from({ length: 1_000 }, (_, n) => ({
    digest: `sha256:${String(n).padStart(64, '0')}` as Digest,
    artifactType: 'x'.repeat(10_000),
  })).reverse();
  const told = toldReferrers(many);
  expect(told.count).toBe(1_000);
  expect(told.listed[0]?.digest).toMatch(/0$/);
  expect(JSON.stringify(told).length * 100).toBeLessThan(1_000_000);
  expect(toldReferrers([{ digest: many[0]!.digest, artifactType: null }])).toEqual({
    count: 1,
    listed: [{ digest: many[0]!.digest, artifactType: null }],
  });
});
