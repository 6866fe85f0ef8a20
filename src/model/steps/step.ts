import type { Digest } from '../digest.ts';
import type { Failure } from '../failure.ts';
import type { Depth, SitePolicy } from '../policy.ts';
import type { UndoOrder } from '../undo-order.ts';

/** One repository of one site; the name at the secondary follows from the policy. */
export interface RepositoryStep extends Step {
  readonly policy: SitePolicy;
  readonly repository: string;
}

/** What every activity of a site is told. */
export interface Step {
  /** That there is something to do is recorded, and why it is not done: a registry that is away may be waited for. Else its outage is told soon. */
  readonly patient?: boolean;
}

/** What an event or a scan says about a tag: where to look, and what should be seen. */
export interface Look {
  readonly tag: string;
  /** The event's digest: while the tag is not yet this, the event came before the tag. */
  readonly digest?: Digest;
  /** When the event was received, by the receiver's clock. */
  readonly receivedAt?: number;
  /** An event without a digest gets one more look a while later. */
  readonly lookAgain?: boolean;
}

/** What `syncRepository` is told by a tagless push, a delete event or a request to compare. */
export interface Notice {
  /** `repair`: a scan left failures behind; compare again after a back-off. `undo`: a person wants a tag set back. */
  readonly kind: 'digest' | 'deleted' | 'compare' | 'repair' | 'undo';
  readonly tag?: string;
  readonly digest?: Digest;
  readonly receivedAt: number;
  /** `compare`: what to read back, and the workflow that waits for the end. */
  readonly verify?: 'auto' | Depth;
  readonly replyTo?: string;
  /** `compare`: a person waits, so a second listing that confirms deletions may follow at once. */
  readonly once?: boolean;
  /** `undo`: which tag, and back to what. */
  readonly undo?: UndoOrder;
}

/** A tag at one digest: the unit of work. */
export interface TaggedImage {
  /** Absent where a digest alone is meant (a subject whose referrers changed). */
  readonly tag?: string;
  readonly digest: Digest;
}

export interface TagFailure {
  readonly tag?: string;
  readonly digest?: Digest;
  readonly failure: Failure;
}
