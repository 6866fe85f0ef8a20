import { setTimeout as sleep } from 'node:timers/promises';
import { isTwinportError, TwinportError } from '../../../model/failure.ts';
import { formatBytes } from '../../../model/text.ts';
import type { BackfillState } from '../../starter/backfill-run.ts';
import type { ApiClient } from '../api-client.ts';
import { note } from '../output.ts';
import type { ProgressDisplay } from '../progress.ts';

const EVERY_MS = 250;
/** Without a word from a worker for this long we say so; it may still come. */
const SILENCE_MS = 10_000;
/** How long the other side may be away before we give up. */
const PATIENCE_MS = 60_000;

/** How a backfill is followed. */
export interface Following {
  readonly display: ProgressDisplay;
  /** Ends the following, not the backfill. */
  readonly signal: AbortSignal;
  /** Resolves when the run has ended, however, where that can be known without asking again and again. */
  readonly ended?: ((site: string, runId: string) => Promise<unknown>) | undefined;
}

/** Shows how far a site's backfill is until it has ended. @returns its last state */
export async function followBackfill(api: ApiClient, site: string, following: Following): Promise<BackfillState> {
  const { display, signal } = following;
  let { ended } = following;
  let heard = Date.now();
  let silent: number | undefined = Date.now();
  let end: Promise<unknown> | undefined;
  for (;;) {
    const state = await ask(api, site, () => Date.now() - heard > PATIENCE_MS);
    if (state) {
      heard = Date.now();
      show(site, state, display);
      if (state.done !== undefined) silent = undefined;
      if (silent !== undefined && Date.now() - silent > SILENCE_MS) {
        note(`no worker of ${site} answers; is "twinport worker --site ${site}" running?`);
        silent = undefined;
      }
      if (state.status !== 'RUNNING') return state;
    }
    if (state) end ??= ended?.(site, state.runId);
    const woken = await pause(end, signal);
    // Once is enough: from then on only the clock asks again.
    if (woken) [ended, end] = [undefined, undefined];
  }
}

/** Waits until the next question is due, or the end is known. @returns whether it was the end */
async function pause(end: Promise<unknown> | undefined, signal: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const sleeping = sleep(EVERY_MS, false, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => false);
  const woken = await Promise.race([sleeping, ...(end ? [end.then(() => true)] : [])]);
  over.abort();
  signal.throwIfAborted();
  return woken;
}

async function ask(api: ApiClient, site: string, givesUp: () => boolean): Promise<BackfillState | undefined> {
  try {
    return await api.get<BackfillState>(sitePath(site, 'backfill'));
  } catch (error) {
    const passing = isTwinportError(error) && error.retry === 'now';
    if (passing && !givesUp()) return undefined;
    throw error;
  }
}

function show(site: string, state: BackfillState, display: ProgressDisplay): void {
  const { done, total, work, failures } = state;
  if (done === undefined || total === undefined) return;
  const details = [
    ...(state.state === 'paused' ? ['paused'] : []),
    ...(work ? [`${work.synced} synced`, `${formatBytes(work.bytesCopied)} copied`] : []),
    ...(work && work.failed > 0 ? [`${work.failed} failed`] : []),
    ...(failures && failures.length > 0 ? [`${failures.length} repositories failed`] : []),
  ];
  display.update({ site, done, total, detail: details.join(', ') });
}

/** The path of something of a site. */
export function sitePath(site: string, rest = ''): string {
  return `/sites/${encodeURIComponent(site)}${rest === '' ? '' : `/${rest}`}`;
}

/** The error of a backfill that ended otherwise than it should, or `undefined`. */
export function endFailure(site: string, state: BackfillState): TwinportError | undefined {
  if (state.status === 'COMPLETED') return undefined;
  if (state.status === 'CANCELLED') return new TwinportError('CANCELLED', `the backfill of ${site} was cancelled`);
  return new TwinportError(
    'INTERNAL',
    `the backfill of ${site} ended as ${state.status.toLowerCase()}${state.reason === undefined ? '' : `: ${state.reason}`}`,
  );
}
