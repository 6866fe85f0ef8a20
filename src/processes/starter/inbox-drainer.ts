import type { Logger } from 'pino';
import { failureOf } from '../../model/failure.ts';
import type { SitePolicy } from '../../model/policy.ts';
import type { Dispatcher, InboxRow } from './dispatch.ts';
import type { Gap } from './gap.ts';
import type { TemporalHealth } from './temporal-health.ts';

const BATCH = 100;
const EVERY_MS = 1_000;
const LONGEST_MS = 5_000;

/** What a drainer takes from; `I` is the ledger's id of an entry. */
export interface DrainerParts<I> {
  readonly take: (limit: number) => Promise<readonly (InboxRow & { readonly id: I })[]>;
  readonly done: (ids: readonly I[]) => Promise<void>;
  /** Lets others be taken again at once, and not only when their lease ends. */
  readonly giveBack: (ids: readonly I[]) => Promise<void>;
  readonly dispatcher: Dispatcher;
  readonly policies: readonly SitePolicy[];
  readonly health: TemporalHealth;
  readonly gap: Gap;
  /** Rejects while Temporal does not answer. */
  readonly probe: () => Promise<void>;
  /** Starts a scan of every site: something may have been missed. */
  readonly scan: () => Promise<void>;
  readonly logger: Logger;
}

/** Hands the inbox's entries to Temporal as soon as it answers, and has the sites scanned after a gap. */
export interface InboxDrainer {
  close(): Promise<void>;
}

/** Starts draining: at once, then every second, up to 5 s apart while Temporal is away. */
export function startInboxDrainer<I>(parts: DrainerParts<I>): InboxDrainer {
  let closed = false;
  let first = true;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;

  const round = async (): Promise<void> => {
    if (parts.health.away) {
      await parts.probe();
      parts.health.away = false;
    }
    while (!closed && (await drainBatch(parts))) {
      // Of a process before us: nobody listened between it and us.
      if (first) parts.gap.pending = true;
    }
    first = false;
    if (!parts.gap.pending || closed) return;
    parts.gap.pending = false;
    try {
      await parts.scan();
    } catch (error) {
      parts.gap.pending = true;
      throw error;
    }
  };
  const run = async (): Promise<void> => {
    try {
      await round();
      failures = 0;
    } catch (error) {
      failures += 1;
      parts.logger.warn({ failure: failureOf(error), attempt: failures }, 'the inbox waits');
    }
    const pauseMs = Math.min(LONGEST_MS, EVERY_MS * 2 ** Math.max(0, Math.min(failures, 8) - 1));
    if (!closed) timer = setTimeout(() => void (running = run()), pauseMs).unref();
  };
  let running = run();

  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}

/** @returns whether there was anything to drain */
async function drainBatch<I>(parts: DrainerParts<I>): Promise<boolean> {
  const entries = await parts.take(BATCH);
  const done: I[] = [];
  let tried = 0;
  try {
    for (const entry of entries) {
      if (await drainEntry(parts, entry)) done.push(entry.id);
      tried += 1;
    }
  } finally {
    if (done.length > 0) await parts.done(done);
    // Temporal is away again: once it is back, nothing waits for a lease of ours.
    if (tried < entries.length) await parts.giveBack(entries.slice(tried).map(({ id }) => id));
  }
  return done.length > 0;
}

/** @returns whether the entry is dealt with; one that Temporal refuses stays leased and is tried again later, behind the others */
async function drainEntry<I>(parts: DrainerParts<I>, entry: InboxRow & { readonly id: I }): Promise<boolean> {
  const policy = parts.policies.find(({ site }) => site === entry.site);
  if (!policy) {
    parts.logger.warn(
      { site: entry.site, repository: entry.change.repository },
      'an event in the inbox is for a site that is not configured here',
    );
    return false;
  }
  try {
    await parts.dispatcher.deliver(entry, policy);
    return true;
  } catch (error) {
    if (parts.health.away) throw error;
    parts.logger.error(
      { site: entry.site, repository: entry.change.repository, failure: failureOf(error) },
      'Temporal refuses a look; it stays in the inbox',
    );
    return false;
  }
}
