import { z } from 'zod';
import { isRepositoryName, isReservedRepository } from '../../model/reference.ts';
import { KEEP_MS, type SitePolicy } from '../../model/policy.ts';
import { parseDuration } from '../units.ts';
import { choice, duration, parsed, section, size, text, whole } from './fields.ts';
import { catalog, create, namespaces, registryKeys } from './registry.ts';

/** Words that stand for something else in commands, queues and messages. */
const RESERVED_NAMES: ReadonlySet<string> = new Set(['all', 'control', 'owner', 'primary', 'secondary', 'total', 'twinport']);

/** A site's name: it stands in workflow ids, queues, URLs and commands. */
export const siteName = parsed(
  (value) => (typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,39}$/.test(value) && !RESERVED_NAMES.has(value) ? value : undefined),
  `a name of at most 40 small letters, digits and hyphens is needed, beginning with a letter or digit, and none of ${[...RESERVED_NAMES].join(', ')}`,
);

const globs = z.array(text('a glob, such as team/**,'), { error: 'a list of globs is needed, such as ["team/**"]' });
const patterns = section({
  include: globs.min(1, 'at least one glob is needed; leave the key out for all').default(['**']),
  exclude: globs.default([]),
});

const deletePolicy = choice(['guard', 'mirror', 'never']);
const deletes = z.preprocess(
  (value) => (typeof value === 'string' ? { policy: value } : value),
  section({ policy: deletePolicy.default('guard'), confirmAfter: duration().default(600_000), keep: duration().default(KEEP_MS) }),
);

/** `continuous`: the next scan begins when one has ended. */
const scanEvery = parsed((value) => {
  if (value === 'continuous') return value;
  const ms = parseDuration(value);
  return ms === undefined || ms < 60_000 ? undefined : ms;
}, 'continuous, or a duration of at least 60s, is needed, such as 30m or 24h');

const path = parsed(
  (value) => (typeof value === 'string' && isMappedPath(value) ? value : undefined),
  'a repository name with {repository} in it, once, is needed, such as mirror/{repository}',
);

function isMappedPath(value: string): boolean {
  return (
    value.split('{repository}').length === 2 &&
    /^[a-z0-9._/-]*$/.test(value.replace('{repository}', '')) &&
    !value.startsWith('/') &&
    !value.endsWith('/')
  );
}

/** An artifact of our own at the primary, whose events are waited for. */
export const canary = section({
  every: duration(10_000).default(300_000),
  repository: parsed(
    (value) => (typeof value === 'string' && isRepositoryName(value) && isReservedRepository(value) ? value : undefined),
    'a repository below twinport/ is needed, such as twinport/canary: nothing there is replicated',
  ).default('twinport/canary'),
  // Checked with the primary, in the place of its own.
  auth: z.unknown().optional(),
});

/** The registry that is mirrored. */
export const primary = section({
  name: parsed(
    (value) => (typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,39}$/.test(value) ? value : undefined),
    'a name of at most 40 small letters, digits and hyphens is needed',
  ).default('primary'),
  ...registryKeys,
  catalog: catalog.optional(),
  namespaces: namespaces.optional(),
  // Read on its own, by who receives events.
  canary: z.unknown().optional(),
});

/** A registry that is kept equal to it. */
export const secondary = section({
  name: siteName,
  ...registryKeys,
  create: create.prefault({}),
  path: path.default('{repository}'),
  repositories: patterns.prefault({}),
  tags: patterns.prefault({}),
  deletes: deletes.prefault({}),
  backfill: section({ every: scanEvery.default(86_400_000), requestsPerSecond: whole(1, 100_000).optional() }).prefault({}),
  verify: section({
    every: duration().default(7 * 86_400_000),
    depth: choice(['shallow', 'deep']).default('shallow'),
    bytesPerSecond: size.optional(),
  }).prefault({}),
  foreignLayers: choice(['skip', 'copy']).default('skip'),
  untagged: choice(['none', 'all']).default('none'),
});

export type PrimarySection = z.output<typeof primary>;
export type SecondarySection = z.output<typeof secondary>;

/** What of a secondary's section is the control side's. */
export type PolicyKeys = Omit<SitePolicy, 'revision' | 'epoch'>;
