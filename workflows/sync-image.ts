import {
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import { backoffMs, burstPauseMs } from '../src/model/backoff.ts';
import { LARGE_BLOB_BYTES } from '../src/model/batches.ts';
import { isLastLook, mergeLooks, nextStep, type Outcome } from '../src/model/rounds.ts';
import type { Digest } from '../src/model/digest.ts';
import type {
  FetchManifestsResult,
  ImageOutcome,
  Look,
  PublishedImage,
  RepositoryStep,
  SyncImageInput,
  SyncImageResult,
  TagFailure,
} from '../src/model/steps.ts';
import { shortDigest } from '../src/model/text.ts';
import { control } from './activities.ts';
import { activityFailure } from './activity-failure.ts';
import { pushed, retry } from './messages.ts';
import {
  copyRound,
  fetchRound,
  leaveDoubtful,
  markRound,
  orPending,
  outcomesOf,
  putOf,
  type OpenRound,
  type Round,
  type RoundResult,
} from './round.ts';

/** Rounds of one run: old code drains, histories stay short. */
const ROUNDS_A_RUN = 20;

/**
 * Makes one tag of a secondary equal to the primary's, as often as it is told to look. Events that arrive while a round runs become one more round;
 * what fails is recorded and tried again after a while, what no retry can mend fails the workflow.
 */
export async function syncImage(input: SyncImageInput): Promise<SyncImageResult> {
  const waiting: Waiting = { pending: input.pending, woken: false };
  // Synchronous, and asked after every await: a signal between the last test and the end would be lost.
  setHandler(pushed, (look) => {
    waiting.pending = mergeLooks(waiting.pending, look);
  });
  setHandler(retry, () => {
    waiting.woken = true;
  });
  // What came before a cancel goes with it.
  CancellationScope.current().cancelRequested.catch(() => {
    waiting.pending = undefined;
  });
  try {
    return await rounds(input, waiting);
  } catch (thrown) {
    // What comes while a cancelled run records its end gets a run of its own.
    const { pending } = waiting;
    if (!isCancellation(thrown) || !pending || !patched('push-after-cancel')) throw thrown;
    return continueAsNew<typeof syncImage>({ ...input, pending, attempts: 0 });
  }
}

/** What signals have asked for. */
interface Waiting {
  pending: Look | undefined;
  woken: boolean;
}

async function rounds(input: SyncImageInput, waiting: Waiting): Promise<SyncImageResult> {
  const image = imageState(input);
  let attempts = input.attempts ?? 0;
  let looked = 0;
  let again = 0;
  let burst = 0;
  let look: Look = { tag: input.tag };
  for (let rounds = 1; ; rounds++) {
    if (waiting.pending) {
      looked = 0;
      look = waiting.pending;
      waiting.pending = undefined;
    }
    if (rounds > ROUNDS_A_RUN || workflowInfo().continueAsNewSuggested) {
      return continueAsNew<typeof syncImage>({ ...input, pending: look, attempts, puts: image.puts });
    }
    waiting.woken = false;
    const outcome = await image.round(look, looked, attempts);
    again = outcome.kind === 'again' ? again + 1 : 0;
    attempts = outcome.kind === 'failed' ? attempts + 1 : 0;
    burst = hasCome() ? burst + 1 : 0;
    if (hasCome()) {
      const pauseMs = burstPauseMs(burst);
      if (pauseMs > 0) await condition(() => waiting.woken, pauseMs);
      continue;
    }
    const puts = image.puts > 1 && patched('look-after-repeat') ? image.puts : 0;
    const next = nextStep(outcome, look, looked, again, puts);
    if (next.do === 'return') return { summary: image.summary(), ...image.seen(), rounds };
    if (next.do === 'fail') throw ApplicationFailure.nonRetryable(next.failure.message, next.failure.code, next.failure);
    if (next.do === 'look') looked += 1;
    const waitMs = next.do === 'back-off' ? backoffMs(Math.max(1, attempts), Math.random()) : next.afterMs;
    const early = waitMs > 0 && (await condition(() => hasCome() || waiting.woken, waitMs));
    if (next.do !== 'check' || early) continue;
    image.puts = 0;
    look = { tag: input.tag };
  }

  function hasCome(): boolean {
    return waiting.pending !== undefined;
  }
}

interface ImageState {
  round(look: Look, looked: number, attempts: number): Promise<Outcome>;
  summary(): string;
  seen(): { digest?: Digest };
  /** How often the tag was put since it was last seen to stay. */
  puts: number;
}

function imageState(input: SyncImageInput): ImageState {
  const { policy, repository, tag } = input;
  let digest: Digest | undefined;
  const image: ImageState = {
    puts: input.puts ?? 0,
    summary: () => (digest ? `${repository}:${tag} is ${shortDigest(digest)} on both sides` : `${repository}:${tag} is not at the primary`),
    seen: () => (digest ? { digest } : {}),
    async round(look, looked, attempts) {
      // Once its failure is recorded, an image may wait for a registry that is away.
      const step: RepositoryStep = { policy, repository, ...(attempts > 0 ? { patient: true } : {}) };
      const round: OpenRound = { step, lane: 'push', depth: 'shallow', overwrite: 'proven', put: new Map() };
      // Its companions too, once they may have been put.
      const tags = (): string[] => [...new Set([tag, ...round.put.keys()])];
      digest = undefined;
      try {
        return await orPending(
          round,
          tags,
          () => Date.now(),
          async () => {
            const fetched = await fetchRound(round, [look], true);
            digest = fetched.images.find((image) => image.tag === tag)?.digest;
            if (digest === undefined) return absentRound(round, look, looked, fetched);
            return contentRound(round, look, looked, fetched, (copied) => (image.puts += putsOf(copied, tag)));
          },
        );
      } catch (thrown) {
        const failure = activityFailure(thrown);
        const outcome = { sync: 'failed', verification: 'pending', failure, look: Date.now(), attempts: attempts + 1 } as const;
        await markRound(
          round.step,
          tags().map((one) => {
            const held = one === tag ? digest : round.put.get(one);
            return { ...outcome, tag: one, ...(held ? { digest: held } : {}), ...putOf(round.put, one) };
          }),
        );
        return { kind: 'failed', failure };
      }
    },
  };
  return image;
}

/** An attempt that was given up has put the tag, too, or will have. */
function putsOf({ published, repeated }: RoundResult, tag: string): number {
  return published.some((image) => image.tag === tag && image.changed) ? (repeated ? 2 : 1) : 0;
}

/** The primary answered 404, or could not tell. */
async function absentRound(round: Round, look: Look, looked: number, fetched: FetchManifestsResult): Promise<Outcome> {
  const failed = fetched.failures.find((failure) => failure.tag === look.tag);
  if (failed) {
    await markRound(round.step, outcomesOf({ published: [], failures: fetched.failures, look: fetched.look }));
    return { kind: 'failed', failure: failed.failure };
  }
  const early = look.digest !== undefined && !isLastLook(looked);
  const outcome: ImageOutcome = {
    tag: look.tag,
    sync: 'pending',
    verification: 'pending',
    look: fetched.look,
    ...received(look),
    ...(early ? {} : { gone: true }),
  };
  await markRound(round.step, [outcome]);
  if (early) return { kind: 'unexpected' };
  // It may have to go at the secondary too, which `syncRepository` alone decides.
  await control.startLook(
    { ...round.step, looks: [], notices: [{ kind: 'compare', receivedAt: fetched.look }] },
    { summary: `${round.step.repository}: ${look.tag} is not at the primary` },
  );
  return { kind: 'settled' };
}

async function contentRound(
  round: Round,
  look: Look,
  looked: number,
  fetched: FetchManifestsResult,
  onCopied: (copied: RoundResult) => void,
): Promise<Outcome> {
  const bytes = fetched.images.reduce((sum, image) => sum + image.bytes, 0);
  if (bytes > LARGE_BLOB_BYTES) {
    await markRound(round.step, [{ tag: look.tag, sync: 'started', verification: 'pending', look: fetched.look, ...received(look) }]);
  }
  const copied = await copyRound(round, fetched.images);
  onCopied(copied);
  const unexpected = fetched.images.some((image) => image.tag === look.tag && image.unexpected === true) && !isLastLook(looked);
  const outcomes = outcomesOf({ ...copied, failures: [...fetched.failures, ...copied.failures] }).map((outcome): ImageOutcome => {
    const early = unexpected && outcome.tag === look.tag && outcome.sync === 'synced';
    return {
      ...outcome,
      ...(early ? ({ sync: 'pending', verification: 'pending', put: outcome.digest } as const) : {}),
      ...received(look),
    };
  });
  const overlapping = await markRound(round.step, outcomes);
  await leaveDoubtful(round.step, copied.published);
  return verdict(copied.published, [...fetched.failures, ...copied.failures], unexpected, overlapping.length > 0);
}

function verdict(published: readonly PublishedImage[], failures: readonly TagFailure[], unexpected: boolean, overlapped: boolean): Outcome {
  const failure = failures[0]?.failure ?? published.find((image) => image.state === 'failed')?.failure;
  if (failure) return { kind: 'failed', failure };
  if (overlapped || published.some((image) => image.state !== 'verified' && image.state !== 'doubtful')) return { kind: 'again' };
  return unexpected ? { kind: 'unexpected' } : { kind: 'settled' };
}

function received(look: Look): { receivedAt?: number } {
  return look.receivedAt === undefined ? {} : { receivedAt: look.receivedAt };
}
