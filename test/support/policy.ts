import type { SitePolicy } from '../../src/model/policy.ts';

/** A site that replicates everything, with the defaults, but keeps nothing that a tag lost. */
export const POLICY: SitePolicy = {
  site: 'eu',
  revision: 'r1',
  epoch: 1,
  path: '{repository}',
  repositories: { include: ['**'], exclude: [] },
  tags: { include: ['**'], exclude: [] },
  deletes: { policy: 'guard', confirmAfterMs: 600_000, keepMs: 0 },
  verify: { everyMs: 604_800_000, depth: 'shallow' },
};
