import { z } from 'zod';
import { parseDuration } from '../../../config/index.ts';
import { SAMPLES_MS } from '../../../ledger/site-samples.ts';
import { isDigest, type Digest } from '../../../model/digest.ts';
import { LIMIT_BOUNDS, type SiteLimits } from '../../../model/limits.ts';
import { isRepositoryName, parseReference } from '../../../model/reference.ts';
import { RequestError } from '../request-error.ts';

const MOST_REFERENCES = 1_000;
const MOST_IDS = 1_000;
const LONGEST_PAGE = 1_000;
const LONGEST_REASON = 1_000;
const LONGEST_SEARCH = 400;
/** What hours are counted in. */
export const HOUR_MS = 3_600_000;

/** A text that PostgreSQL can hold. */
const storable = z.string().refine((text) => !text.includes('\0'), 'must have no NUL');

const reference = z.string().refine((text) => {
  const parts = parseReference(text);
  return parts !== undefined && parts.digest === undefined;
}, 'must be repository or repository:tag');

/** `{references: […]}` */
export const REFERENCES = z.strictObject({ references: z.array(reference).min(1).max(MOST_REFERENCES) });
/** `{references: […]}` or `{failed: true}` */
export const RETRY = z.union(
  [REFERENCES, z.strictObject({ failed: z.literal(true) })],
  'must be {"references": ["repository:tag", …]} or {"failed": true}',
);
/** `{ids: […]}` or `{all: true}` */
export const DECISION = z.union(
  [z.strictObject({ ids: z.array(storable.min(1).max(100)).min(1).max(MOST_IDS) }), z.strictObject({ all: z.literal(true) })],
  'must be {"ids": ["…"]} or {"all": true}',
);
const image = z.string().refine((text) => parseReference(text)?.tag !== undefined, 'must be repository:tag');
const images = z.array(image).min(1).max(MOST_REFERENCES);

/** `{references: […], reason}`: whoever leaves an image out says why. */
export const WAIVE = z.strictObject({ references: images, reason: storable.trim().min(1, 'must say why').max(LONGEST_REASON) });
/** `{references: […]}` */
export const UNWAIVE = z.strictObject({ references: images });
/** `{references: […]}`, or one of them and `to`: which of the digests that it stood for. */
export const UNDO = z
  .strictObject({ references: images, to: z.custom<Digest>(isDigest, 'must be a digest: sha256:… or sha512:…').optional() })
  .refine(({ references, to }) => to === undefined || references.length === 1, { path: ['to'], message: 'goes with one reference only' });
/** `{verify?, once?}` */
export const BACKFILL_START = z.strictObject({
  verify: z.enum(['auto', 'shallow', 'deep']).default('auto'),
  once: z.boolean().default(false),
});
/** `{depth?, sample?}`: of the site; or `{references: […]}`: of these images alone, at once. */
export const VERIFY_START = z.union([
  z.strictObject({
    depth: z.enum(['shallow', 'deep']).optional(),
    sample: z.number().gt(0).max(1).default(1),
  }),
  z.strictObject({ references: images }),
]);
const limit = (name: keyof SiteLimits) => z.number().int().min(LIMIT_BOUNDS[name][0]).max(LIMIT_BOUNDS[name][1]).optional();
/** `{requests?, transfers?, bytesPerSecond?, scanRequestsPerSecond?}`, at least one of them. */
export const LIMITS = z
  .strictObject({
    requests: limit('requests'),
    transfers: limit('transfers'),
    bytesPerSecond: limit('bytesPerSecond'),
    scanRequestsPerSecond: limit('scanRequestsPerSecond'),
  })
  .refine((limits) => Object.values(limits).some((value) => value !== undefined), 'must name a limit');
const page = {
  cursor: z.string().max(2_000).optional(),
  limit: z.coerce.number().int().min(1).max(LONGEST_PAGE).default(100),
};
/** The query of a page of images. */
export const IMAGE_PAGE = z.strictObject({
  state: z.enum(['pending', 'started', 'synced', 'failed', 'verified', 'excluded', 'held', 'missing', 'waived']).optional(),
  repository: z.string().refine(isRepositoryName, 'must be a repository name').optional(),
  q: storable.trim().min(1).max(LONGEST_SEARCH).optional(),
  olderThan: z
    .string()
    .refine((text) => Number.isSafeInteger(parseDuration(text)), 'must be a duration, such as 30m, 24h or 7d')
    .optional(),
  ...page,
});
/** The query of a site's curves: of how many hours. */
export const SAMPLES = z.strictObject({
  hours: z.coerce
    .number()
    .gt(0)
    .max(SAMPLES_MS / HOUR_MS)
    .default(24),
});
/** The query of a page of the audit. */
export const AUDIT_PAGE = z.strictObject({ site: storable.min(1).max(200).optional(), ...page });
/** The query of a page of waivers. */
export const WAIVER_PAGE = z.strictObject({
  ...page,
});
const HELD_STATES = ['held', 'approved', 'rejected', 'expired', 'cancelled'] as const;
/** The query of a page of deletions, and of moves. */
export const DELETION_PAGE = z.strictObject({ state: z.enum([...HELD_STATES, 'deleted']).optional(), ...page });
export const MOVE_PAGE = z.strictObject({ state: z.enum([...HELD_STATES, 'moved']).optional(), ...page });

/**
 * Checks a body or a query.
 * @throws {RequestError} 400 INVALID with the path of the field
 */
export function checked<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  // Nothing was sent; a null that was is none of ours.
  const result = schema.safeParse(value === undefined ? {} : value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = issue?.path.map(String).join('.') ?? '';
  throw new RequestError(
    400,
    'INVALID',
    `${path === '' ? 'the request' : path}: ${issue?.message ?? 'not valid'}`,
    path === '' ? {} : { path },
  );
}
