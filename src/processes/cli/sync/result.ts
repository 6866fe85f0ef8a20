import type { SiteStatus } from '../../../ledger/site-status.ts';
import { count, formatBytes } from '../../../model/text.ts';
import type { Work } from '../../../model/work.ts';

/** What `sync --json` ends with: counts are the state at the end, the rest is work done. */
export interface SyncResult {
  readonly images: number;
  readonly synced: number;
  readonly verified: number;
  readonly failed: number;
  readonly pending: number;
  readonly excluded: number;
  readonly held: number;
  readonly foreign: number;
  readonly deleted: number;
  readonly repaired: number;
  readonly bytesCopied: number;
  readonly blobsCopied: number;
  readonly blobsMounted: number;
  readonly blobsSkipped: number;
  readonly seconds: number;
}

type Counts = Pick<SiteStatus, 'total' | 'synced' | 'verified' | 'failed' | 'pending' | 'excluded' | 'held' | 'foreign'>;

/** One site's result. */
export function resultOf(status: Counts, work: Work, seconds: number): SyncResult {
  const { total, synced, verified, failed, pending, excluded, held, foreign } = status;
  const { deleted, repaired, bytesCopied, blobsCopied, blobsMounted, blobsSkipped } = work;
  return {
    ...{ images: total, synced, verified, failed, pending, excluded, held, foreign },
    ...{ deleted, repaired, bytesCopied, blobsCopied, blobsMounted, blobsSkipped, seconds: Math.round(seconds * 1000) / 1000 },
  };
}

/** All sites together; they ran at the same time, so the seconds are the longest. */
export function totalOf(results: readonly SyncResult[]): SyncResult {
  const [first, ...others] = results;
  if (!first) throw new RangeError('no results to add up');
  return others.reduce((sum, result) => {
    const keys = Object.keys(sum) as (keyof SyncResult)[];
    return Object.fromEntries(
      keys.map((key) => [key, key === 'seconds' ? Math.max(sum[key], result[key]) : sum[key] + result[key]]),
    ) as unknown as SyncResult;
  }, first);
}

/** Says whether everything in scope is at the secondary and was read back. */
export function isComplete(result: SyncResult): boolean {
  return result.failed === 0 && result.pending === 0 && result.verified === result.images;
}

/** The result in a line for people. */
export function describeResult(result: SyncResult): string {
  const parts = [`${count(result.images, 'image')}: ${result.verified} verified`];
  const states = ['failed', 'pending', 'held', 'foreign', 'excluded', 'deleted', 'repaired'] as const;
  for (const state of states) if (result[state] > 0) parts.push(`${result[state]} ${state}`);
  parts.push(`${formatBytes(result.bytesCopied)} in ${count(result.blobsCopied, 'blob')} copied`);
  if (result.blobsMounted > 0) parts.push(`${result.blobsMounted} mounted`);
  return `${parts.join(', ')}, ${result.seconds.toFixed(1)} s`;
}
