import type { Digest } from './digest.ts';
import type { Depth } from './policy.ts';
import type { Notice } from './steps.ts';

/** What a set of notices asks of a repository's workflow. */
export interface Wanted {
  readonly scan: boolean;
  readonly verify: 'auto' | Depth | undefined;
  /** Delete events: evidence for deletions. */
  readonly deletions: readonly Notice[];
  readonly digests: readonly Digest[];
  readonly replyTo: readonly string[];
  /** A person waits: deletions need no second listing a while later. */
  readonly once: boolean;
  /** Failures of an earlier scan wait for a back-off. */
  readonly repair: boolean;
}

const DEPTHS = ['auto', 'shallow', 'deep'] as const;

/** Sums up notices: one scan serves all who asked for one, at the deepest verification asked for. */
export function wantedBy(notices: readonly Notice[]): Wanted {
  const scan = notices.some((notice) => notice.kind === 'compare' || notice.kind === 'deleted');
  const depths = notices.flatMap((notice) => (notice.verify ? [DEPTHS.indexOf(notice.verify)] : []));
  return {
    scan,
    verify: depths.length > 0 ? DEPTHS[Math.max(...depths)] : undefined,
    deletions: notices.filter((notice) => notice.kind === 'deleted'),
    digests: [...new Set(notices.flatMap((notice) => (notice.kind === 'digest' && notice.digest ? [notice.digest] : [])))],
    replyTo: [...new Set(notices.flatMap((notice) => notice.replyTo ?? []))],
    once: notices.some((notice) => notice.once === true),
    repair: notices.some((notice) => notice.kind === 'repair'),
  };
}

/** Whether somebody waits, so that no quiet time is kept. */
export function isUrgent(notice: Notice): boolean {
  return notice.kind === 'compare';
}
