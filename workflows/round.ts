import { CancellationScope, isCancellation, patched } from '@temporalio/workflow';
import { blobBatches, chunks } from '../src/model/batches.ts';
import { totalBytes, type Descriptor } from '../src/model/descriptor.ts';
import type { Digest } from '../src/model/digest.ts';
import { PRIORITY } from '../src/model/names.ts';
import type { Depth } from '../src/model/policy.ts';
import type {
  BlobFailure,
  CopyBlobsInput,
  CopyBlobsResult,
  FetchedImage,
  FetchManifestsResult,
  ImageOutcome,
  Look,
  PublishedImage,
  PublishManifestsResult,
  RepositoryStep,
  TaggedImage,
  TagFailure,
} from '../src/model/steps.ts';
import { count, formatBytes } from '../src/model/text.ts';
import { addWork, NO_WORK, type Work } from '../src/model/work.ts';
import { control, siteActivities, type Lane } from './activities.ts';

/** A workflow may have 2,000 activities pending; the lane's slots are far fewer. */
const COPIES_AT_ONCE = 100;
/** Failed blobs of a batch after which the rest is not tried: the side is full, or gone. */
const FAILED_BLOBS = 1_000;

/** One round over one batch: what the five activities are told. */
export interface Round {
  readonly step: RepositoryStep;
  readonly lane: Lane;
  readonly priority?: number;
  readonly depth: Depth;
  /** See `PublishManifestsInput`. */
  readonly overwrite?: 'proven' | 'never';
  /** What lacks here was there once. */
  readonly heals?: true;
}

/** A round that is worked on. */
export interface OpenRound extends Round {
  /** What its tags may hold at the secondary by its doing: whoever ends before it is known must say so. */
  readonly put: Map<string, Digest>;
}

/** Where a round left its images. */
export interface RoundResult {
  readonly published: readonly PublishedImage[];
  readonly failures: readonly TagFailure[];
  readonly work: Work;
  readonly look: number;
  /** What was published may have been put twice: by an attempt that was given up, too. */
  readonly repeated: boolean;
  /** Tags whose images lacked a blob at the secondary. */
  readonly incomplete: readonly string[];
}

type SiteSteps = ReturnType<typeof siteActivities>;

/** `fetchManifests`: what the primary holds. */
export function fetchRound(round: Round, looks: readonly Look[], companions: boolean): Promise<FetchManifestsResult> {
  const { step, lane, priority } = round;
  const steps = siteActivities(step.policy.site, lane);
  return steps.fetchManifests({ ...step, looks, companions }, asked(`${step.repository}: ${describe(looks)}`, priority));
}

/** `enumerateLayers` → `copyBlobs` → `publishManifests`: makes the secondary hold what was fetched. */
export async function copyRound(round: Round & Partial<OpenRound>, images: readonly TaggedImage[]): Promise<RoundResult> {
  const steps = siteActivities(round.step.policy.site, round.lane);
  const { failedBlobs, failures, work, incomplete } = await copyLacking(round, steps, images);
  const failedDigests = new Set(failures.map((failed) => failed.digest));
  const publishable = images.filter((image) => !failedDigests.has(image.digest));
  if (publishable.length === 0) return { published: [], failures, work, look: 0, repeated: false, incomplete };
  // Of a cancelled workflow no activity is started any more.
  if (!CancellationScope.current().consideredCancelled) {
    for (const { tag, digest } of publishable) if (tag !== undefined) round.put?.set(tag, digest);
  }
  const published: PublishManifestsResult = await steps.publishManifests(
    {
      ...round.step,
      images: publishable.map(({ tag, digest }) => (tag === undefined ? { digest } : { tag, digest })),
      failedBlobs,
      ...(round.overwrite ? { overwrite: round.overwrite } : {}),
    },
    asked(`${round.step.repository}: ${describe(publishable)}`, round.priority),
  );
  const { look, repeated = false } = published;
  return { published: published.images, failures, work, look, repeated, incomplete };
}

/** `markVerification`: the ledger. @returns tags whose looks overlapped and differed: they need another */
export async function markRound(step: RepositoryStep, outcomes: readonly ImageOutcome[]): Promise<readonly string[]> {
  if (outcomes.length === 0) return [];
  const marked = await control.markVerification({ ...step, outcomes }, { summary: `${step.repository}: ${describe(outcomes)}` });
  return marked.overlapping;
}

/** Runs a body; if it is cancelled or fails, records in any case that nothing is known of these tags now. */
export async function orPending<T>(
  { step, put }: OpenRound,
  tags: () => readonly string[],
  look: () => number,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    // A cancel that an activity did not live to hear of ends it with another failure.
    if (isCancellation(thrown) || (CancellationScope.current().consideredCancelled && patched('failed-while-cancelled'))) {
      const outcomes = tags().map((tag): ImageOutcome => ({
        tag,
        sync: 'pending',
        verification: 'pending',
        look: look(),
        ...putOf(put, tag),
      }));
      await CancellationScope.nonCancellable(() => markRound(step, outcomes));
    }
    throw thrown;
  }
}

/** What the ledger is to know of a tag that was given up. */
export function putOf(put: ReadonlyMap<string, Digest>, tag: string): Pick<ImageOutcome, 'put'> {
  const digest = put.get(tag);
  return digest === undefined ? {} : { put: digest };
}

/** What this round may not overwrite is left to a scan of the repository, which samples the primary first. */
export async function leaveDoubtful(step: RepositoryStep, published: readonly PublishedImage[]): Promise<void> {
  const doubtful = published.filter(({ state }) => state === 'doubtful');
  if (doubtful.length === 0) return;
  const notices = [{ kind: 'compare', receivedAt: Date.now() }] as const;
  await control.startLook(
    { ...step, looks: [], notices },
    { summary: `${step.repository}: ${describe(doubtful)} would replace something else` },
  );
}

/** What the ledger is told of published images, and of those that failed: as of now, for `started` may have been recorded since they were looked at. */
export function outcomesOf(result: Pick<RoundResult, 'published' | 'failures' | 'look'>): ImageOutcome[] {
  const look = Date.now();
  const published = result.published.flatMap((image): ImageOutcome[] =>
    image.tag === undefined ? [] : [outcomeOf(image, image.tag, result.look)],
  );
  const failed = result.failures.flatMap(({ tag, digest, failure }): ImageOutcome[] =>
    tag === undefined ? [] : [{ tag, ...(digest ? { digest } : {}), sync: 'failed', verification: 'pending', failure, look }],
  );
  return [...published, ...failed];
}

function outcomeOf(image: PublishedImage, tag: string, look: number): ImageOutcome {
  const base = { tag, look, ...(image.previous ? { previous: image.previous } : {}), ...(image.put ? { put: image.digest } : {}) };
  switch (image.state) {
    case 'verified':
      return {
        ...{ ...base, digest: image.digest, sync: 'synced', verification: 'succeeded', bytes: image.bytes },
        ...(image.referrers ? { referrers: image.referrers } : {}),
      };
    case 'failed':
      return {
        ...base,
        digest: image.digest,
        sync: 'failed',
        verification: 'pending',
        ...(image.failure ? { failure: image.failure } : {}),
      };
    default:
      return { ...base, sync: 'pending', verification: 'pending' };
  }
}

interface Lacking {
  readonly failedBlobs: BlobFailure[];
  readonly failures: readonly TagFailure[];
  readonly work: Work;
  readonly incomplete: readonly string[];
}

async function copyLacking(round: Round, steps: SiteSteps, images: readonly TaggedImage[]): Promise<Lacking> {
  const failedBlobs: BlobFailure[] = [];
  const wanted = images.map(({ tag, digest }) => (tag === undefined ? { digest } : { tag, digest }));
  const incomplete: string[] = [];
  let work = NO_WORK;
  for (;;) {
    const lacks = await steps.enumerateLayers(
      { ...round.step, images: wanted, depth: round.depth },
      asked(`${round.step.repository}: ${describe(images)}${round.depth === 'deep' ? ', every byte' : ''}`, round.priority),
    );
    incomplete.push(...lacks.incomplete);
    const known = new Set<Digest>(failedBlobs.map((failed) => failed.digest));
    const blobs = lacks.lacking.filter((blob) => !known.has(blob.digest));
    if (!lacks.more) work = addWork(work, { blobsSkipped: lacks.present });
    if (blobs.length > 0) work = addWork(work, await copyAll(round, steps, blobs, failedBlobs));
    if (!lacks.more) return { failedBlobs, failures: lacks.failures, work, incomplete };
    // Too much fails: whether the rest is there was never looked at, so nothing may be published.
    const hopeless = blobs.length === 0 || failedBlobs.length >= FAILED_BLOBS ? failedBlobs[0]?.failure : undefined;
    if (hopeless)
      return {
        failedBlobs: [],
        failures: images.map(({ tag, digest }) => ({ ...(tag === undefined ? {} : { tag }), digest, failure: hopeless })),
        work,
        incomplete,
      };
  }
}

/** Small blobs together in the round's lane; a large one alone, and never in a slot that a push may need. */
async function copyAll(round: Round, steps: SiteSteps, blobs: readonly Descriptor[], failedBlobs: BlobFailure[]): Promise<Partial<Work>> {
  const { small, large } = blobBatches(blobs);
  const copies = [...small.map((batch) => () => copySmall(round, steps, batch)), ...large.map((blob) => () => copyLarge(round, blob))];
  let work: Work = NO_WORK;
  for (const some of chunks(copies, COPIES_AT_ONCE)) {
    for (const result of await Promise.all(some.map((copy) => copy()))) {
      failedBlobs.push(...result.failures);
      work = addWork(work, {
        bytesCopied: result.bytes,
        blobsCopied: result.copied,
        blobsMounted: result.mounted,
        blobsSkipped: result.skipped,
      });
    }
  }
  return work;
}

function copySmall(round: Round, steps: SiteSteps, blobs: readonly Descriptor[]): Promise<CopyBlobsResult> {
  const summary = `${round.step.repository}: ${count(blobs.length, 'blob')}, ${formatBytes(totalBytes(blobs))}`;
  return steps.copyBlobs(copyInput(round, blobs), asked(summary, round.priority));
}

/** A push's large blob shares the bulk lane's slots, but goes before what is being backfilled. */
function copyLarge(round: Round, blob: Descriptor): Promise<CopyBlobsResult> {
  const { copyBlobs } = siteActivities(round.step.policy.site, 'bulk');
  const summary = `${round.step.repository}: one blob of ${formatBytes(blob.size)}`;
  const priority = round.lane === 'push' ? PRIORITY.repair : round.priority;
  return copyBlobs(copyInput(round, [blob]), asked(summary, priority));
}

function copyInput({ step, depth, heals }: Round, blobs: readonly Descriptor[]): CopyBlobsInput {
  return { ...step, blobs, depth, ...(heals ? { heals } : {}) };
}

function asked(summary: string, priority: number | undefined): { summary: string; priority?: number } {
  return priority === undefined ? { summary } : { summary, priority };
}

function describe(items: readonly (Pick<FetchedImage, 'tag'> | Look | ImageOutcome)[]): string {
  const only = items.length === 1 ? items[0] : undefined;
  return only ? (only.tag ?? 'a digest') : count(items.length, 'tag');
}
