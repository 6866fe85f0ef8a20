import type { Digest } from './digest.ts';

/** A tag of the secondary that a person wants set back to what it stood for before. */
export interface UndoOrder {
  /** The ledger's name of it. */
  readonly id: string;
  readonly tag: string;
  /** What it is to stand for again. */
  readonly digest: Digest;
  /** What it stands for as far as the ledger knows; absent: it was deleted. If it is something else, somebody has moved it since. */
  readonly replaces?: Digest;
}
