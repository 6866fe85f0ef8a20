import { z } from 'zod';

/*
 * What the API answers, for the OpenAPI document. Strict: what is answered and not named here is found out by a test.
 */

const moment = z.iso.datetime();
const count = z.number().int().min(0);
const text = z.string().nullable();

/** `{error: {code, message, path?}}` */
export const ERROR = z.strictObject({
  error: z.strictObject({ code: z.string(), message: z.string(), path: z.string().optional() }),
});

/** A page: `next` is the cursor of the page that follows. */
export const pageOf = <T extends z.ZodType>(item: T) => z.strictObject({ items: z.array(item), next: text });

const WORK = z.strictObject({
  ...{ bytesCopied: count, blobsCopied: count, blobsMounted: count, blobsSkipped: count },
  ...{ deleted: count, repaired: count, failed: count, synced: count },
});
const FAILURE = z.looseObject({ code: z.string(), message: z.string(), retry: z.enum(['now', 'later', 'never']) });
const BACKFILL_WORDS = ['running', 'paused', 'failed', 'cancelled', 'done'] as const;

export const SITE = z.strictObject({
  ...{ name: z.string(), ready: z.boolean(), reason: text },
  ...{ total: count, synced: count, verified: count, failed: count, pending: count, waived: count },
  ...{ held: count, heldMoves: count, foreign: count, excluded: count },
  regressed: z.strictObject({ state: z.enum(['held', 'approved', 'rejected']), since: moment, sampled: count, missing: count }).nullable(),
  ...{ lagSeconds: z.number().nullable(), recoveryPoint: moment.nullable(), recoveryPointSeconds: z.number().nullable() },
  oldestVerification: moment.nullable(),
  missedEvents: z.array(
    z.strictObject({ source: z.string(), action: z.string(), missed: count, lastAt: moment, lastReference: z.string() }),
  ),
  canary: z
    .strictObject({
      ...{ state: z.enum(['received', 'waiting', 'missed', 'failed']), pushedAt: moment, seconds: z.number().nullable() },
      ...{ source: text, failure: text, received: count, missed: count, failed: count },
    })
    .nullable(),
  lastEvent: z.strictObject({ source: z.string(), at: moment }).nullable(),
  backfill: z.strictObject({
    ...{ state: z.enum([...BACKFILL_WORDS, 'none']), done: count, total: count },
    ...{ startedAt: moment.nullable(), remainingSeconds: z.number().nullable() },
  }),
  ...{ workers: count, temporalAway: z.boolean(), paused: z.boolean() },
});

export const SAMPLE = z.strictObject({
  ...{ at: moment, lagSeconds: z.number().nullable(), recoveryPointSeconds: z.number().nullable() },
  ...{ total: count, verified: count, failed: count, pending: count, images: count, bytes: count },
});

const content = z.strictObject({ digest: z.string().optional(), size: count.optional() });
const image = {
  ...{ repository: z.string(), tag: z.string(), reference: z.string(), digest: text },
  ...{ sync: z.string(), verification: z.string(), waived: z.boolean(), reason: text },
  difference: z
    .strictObject({
      ...{ what: z.enum(['blob', 'manifest', 'tag']), repository: z.string(), reference: z.string() },
      ...{ want: content, have: content.nullable(), remedy: z.string() },
    })
    .nullable(),
  ...{ attempts: count, bytes: count.nullable(), lookedAt: moment.nullable(), verifiedAt: moment.nullable() },
};
export const IMAGE = z.strictObject(image);

const held = {
  ...{ id: z.string(), repository: z.string(), tag: z.string(), reference: z.string(), state: z.string(), reason: text },
  ...{ createdAt: moment, expiresAt: moment.nullable(), decidedAt: moment.nullable(), decidedBy: text },
};
export const DELETION = z.strictObject({ ...held, digest: z.string() });
export const MOVE = z.strictObject({ ...held, from: z.string(), to: z.string() });

export const IMAGE_DETAIL = z.strictObject({
  ...image,
  primary: z.strictObject({ digest: text, lookedAt: moment.nullable() }),
  secondary: z.strictObject({ digest: text, verifiedAt: moment.nullable() }),
  ...{ changedAt: moment.nullable(), receivedAt: moment.nullable(), missingSince: moment.nullable(), outOfScope: z.boolean() },
  history: z.array(z.strictObject({ at: moment.nullable(), from: z.string(), to: text })),
  referrers: z.array(z.strictObject({ digest: z.string(), artifactType: text, tag: text })).nullable(),
  referrerCount: count.nullable(),
  workflows: z.array(z.strictObject({ id: z.string(), url: text })),
  deletion: DELETION.nullable(),
  move: MOVE.nullable(),
});

export const WAIVER = z.strictObject({
  ...{ repository: z.string(), tag: z.string(), reference: z.string(), digest: text },
  ...{ reason: z.string(), by: z.string(), at: moment, inEffect: z.boolean() },
});
export const AUDIT = z.strictObject({
  ...{ at: moment, actor: z.string(), action: z.string(), site: text, detail: z.looseObject({}) },
});
export const INFO = z.strictObject({
  version: z.string(),
  primary: z.strictObject({ name: z.string(), url: z.string(), kind: z.string() }).nullable(),
  ...{ webUi: text, inbox: count, mayAct: z.boolean() },
});

export const SETUP = z.strictObject({
  checkedAt: moment,
  checks: z.array(z.strictObject({ name: z.string(), ok: z.boolean().nullable(), message: z.string(), remedy: text })),
  notifications: z.strictObject({ kind: z.string(), text: z.string() }).nullable(),
});

/** As Temporal knows it; how far it is only where a worker answers. */
const run = { runId: z.string(), status: z.string() };
export const BACKFILL = z.strictObject({
  ...run,
  reason: z.string().optional(),
  state: z.enum(BACKFILL_WORDS).optional(),
  ...{ done: count.optional(), total: count.optional(), excluded: count.optional() },
  failures: z.array(z.strictObject({ repository: z.string(), failure: FAILURE })).optional(),
  work: WORK.optional(),
  /** Milliseconds since 1970. */
  startedAt: count.optional(),
});
export const VERIFICATION = z.strictObject({
  ...run,
  state: z.enum(['running', 'paused', 'done']).optional(),
  depth: z.enum(['shallow', 'deep']).optional(),
  ...{ images: count.optional(), repaired: count.optional(), failed: count.optional(), moving: count.optional() },
  work: WORK.optional(),
});
export const STARTED = z.strictObject({ workflowId: z.string(), runId: z.string(), joined: z.boolean() });
export const ACCEPTED = z.strictObject({ site: z.string(), action: z.string() });
export const COUNT = z.strictObject({ count });
export const DECIDED = z.strictObject({ count, repositories: z.array(z.string()) });
export const PRIMARY_DECIDED = z.strictObject({ site: z.string(), primary: z.enum(['approved', 'rejected']) });
export const CANCELLED = z.strictObject({
  items: z.array(z.strictObject({ reference: z.string(), result: z.enum(['cancelled', 'not-running']) })),
});
export const UNDONE = z.strictObject({
  items: z.array(
    z.strictObject({
      ...{ id: z.string(), reference: z.string(), from: text, to: z.string() },
      ...{ state: z.enum(['asked', 'restored', 'failed']), reason: text },
    }),
  ),
});

const limits = { requests: count, transfers: count, bytesPerSecond: count, scanRequestsPerSecond: count };
export const SITE_LIMITS = z.strictObject({
  configured: z.strictObject({ ...limits, bytesPerSecond: count.nullable(), scanRequestsPerSecond: count.nullable() }),
  changed: z.strictObject(limits).partial().nullable(),
});
