import { CancellationScope, isCancellation } from '@temporalio/workflow';
import { blobBatches } from '../src/model/batches.ts';
import type { Digest } from '../src/model/digest.ts';
import type { Depth } from '../src/model/policy.ts';
import {
  NO_WORK,
  type BlobFailure,
  type FetchedImage,
  type FetchManifestsResult,
  type ImageOutcome,
  type Look,
  type PublishedImage,
  type PublishManifestsResult,
  type RepositoryStep,
  type TaggedImage,
  type TagFailure,
  type Work,
} from '../src/model/steps.ts';
import { addWork } from '../src/model/steps.ts';
import { count, formatBytes } from '../src/model/text.ts';
import { control, siteActivities, type Lane } from './activities.ts';

/** One round over one batch: what the five activities are told. */
export interface Round {
  readonly step: RepositoryStep;
  readonly lane: Lane;
  readonly priority?: number;
  readonly depth: Depth;
}

/** Where a round left its images. */
export interface RoundResult {
  readonly published: readonly PublishedImage[];
  readonly failures: readonly TagFailure[];
  readonly work: Work;
  readonly look: number;
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
export async function copyRound(round: Round, images: readonly TaggedImage[]): Promise<RoundResult> {
  const steps = siteActivities(round.step.policy.site, round.lane);
  const { failedBlobs, failures, work, incomplete } = await copyLacking(round, steps, images);
  const failedDigests = new Set(failures.map((failed) => failed.digest));
  const publishable = images.filter((image) => !failedDigests.has(image.digest));
  if (publishable.length === 0) return { published: [], failures, work, look: 0, incomplete };
  const published: PublishManifestsResult = await steps.publishManifests(
    { ...round.step, images: publishable.map(({ tag, digest }) => (tag === undefined ? { digest } : { tag, digest })), failedBlobs },
    asked(`${round.step.repository}: ${describe(publishable)}`, round.priority),
  );
  return { published: published.images, failures, work, look: published.look, incomplete };
}

/** `markVerification`: the ledger. @returns tags whose looks overlapped and differed: they need another */
export async function markRound(step: RepositoryStep, outcomes: readonly ImageOutcome[]): Promise<readonly string[]> {
  if (outcomes.length === 0) return [];
  const marked = await control.markVerification({ ...step, outcomes }, { summary: `${step.repository}: ${describe(outcomes)}` });
  return marked.overlapping;
}

/** Runs a body; if it is cancelled or fails, records in any case that nothing is known of these tags now. */
export async function orPending<T>(
  step: RepositoryStep,
  tags: () => readonly string[],
  look: () => number,
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    if (isCancellation(thrown)) {
      const outcomes = tags().map((tag): ImageOutcome => ({ tag, sync: 'pending', verification: 'pending', look: look() }));
      await CancellationScope.nonCancellable(() => markRound(step, outcomes));
    }
    throw thrown;
  }
}

/** What the ledger is told of published images. */
export function outcomesOf(result: Pick<RoundResult, 'published' | 'failures' | 'look'>, look: number): ImageOutcome[] {
  const published = result.published.flatMap((image): ImageOutcome[] =>
    image.tag === undefined ? [] : [outcomeOf(image, image.tag, result.look)],
  );
  const failed = result.failures.flatMap(({ tag, failure }): ImageOutcome[] =>
    tag === undefined ? [] : [{ tag, sync: 'failed', verification: 'pending', failure, look }],
  );
  return [...published, ...failed];
}

function outcomeOf(image: PublishedImage, tag: string, look: number): ImageOutcome {
  const base = { tag, look, ...(image.previous ? { previous: image.previous } : {}) };
  switch (image.state) {
    case 'verified':
      return { ...base, digest: image.digest, sync: 'synced', verification: 'succeeded', bytes: image.bytes };
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
    if (!lacks.more || blobs.length === 0) return { failedBlobs, failures: lacks.failures, work, incomplete };
  }
}

/** Small blobs together in the round's lane; a large one alone, and never in a slot that a push may need. */
async function copyAll(
  round: Round,
  steps: SiteSteps,
  blobs: Parameters<typeof blobBatches>[0],
  failedBlobs: BlobFailure[],
): Promise<Partial<Work>> {
  const { small, large } = blobBatches(blobs);
  const bulk = siteActivities(round.step.policy.site, 'bulk');
  const results = await Promise.all([
    ...small.map((batch) =>
      steps.copyBlobs(
        { ...round.step, blobs: batch },
        asked(
          `${round.step.repository}: ${count(batch.length, 'blob')}, ${formatBytes(batch.reduce((sum, blob) => sum + blob.size, 0))}`,
          round.priority,
        ),
      ),
    ),
    ...large.map((blob) =>
      bulk.copyBlobs(
        { ...round.step, blobs: [blob] },
        asked(`${round.step.repository}: one blob of ${formatBytes(blob.size)}`, round.priority),
      ),
    ),
  ]);
  let work: Work = NO_WORK;
  for (const result of results) {
    failedBlobs.push(...result.failures);
    work = addWork(work, {
      bytesCopied: result.bytes,
      blobsCopied: result.copied,
      blobsMounted: result.mounted,
      blobsSkipped: result.skipped,
    });
  }
  return work;
}

function asked(summary: string, priority: number | undefined): { summary: string; priority?: number } {
  return priority === undefined ? { summary } : { summary, priority };
}

function describe(items: readonly (Pick<FetchedImage, 'tag'> | Look | ImageOutcome)[]): string {
  const only = items.length === 1 ? items[0] : undefined;
  return only ? (only.tag ?? 'a digest') : count(items.length, 'tag');
}
