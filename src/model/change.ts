import type { Digest } from './digest.ts';

/** What an event says about the primary, whoever sent it: a hint where to look, never a fact to replay. */
export interface Change {
  /** The sender's own id of the event, for the record. */
  readonly id: string;
  readonly source: string;
  readonly repository: string;
  readonly action: 'push' | 'delete';
  readonly tag?: string;
  readonly digest?: Digest;
}

/** What a body held: the changes to act on, and how many events said nothing that we can use. */
export interface ParsedEvents {
  readonly changes: readonly Change[];
  /** Why an event was passed over (`pull`, `bad name`, …) and how often. */
  readonly ignored: Readonly<Record<string, number>>;
}
