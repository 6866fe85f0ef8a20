import type { Depth } from '../policy.ts';
import type { CompareRepositoryResult } from './compare-repository.ts';
import type { PositiveControl } from './plan-deletions.ts';
import type { RepositoryStep, TaggedImage } from './step.ts';

export interface RecordScanInput extends RepositoryStep {
  /** One scan, however many pages. */
  readonly scan: string;
  readonly after?: string;
  readonly page: CompareRepositoryResult;
  /** `auto` re-reads what has no young verification; the others re-read all. */
  readonly verify: 'auto' | Depth;
  /** The page was compared before the repository's workflow began: it is refused where a later scan is recorded already. */
  readonly ahead?: true;
}

export interface RecordScanResult {
  readonly summary: string;
  /** Tags equal on both sides that are to be read back all the same. */
  readonly verify: readonly string[];
  /** Tags of the window that the ledger knows as ours and the primary does not list. */
  readonly gone: readonly TaggedImage[];
  /** Tags at the secondary that are neither the primary's nor ours. */
  readonly foreign: number;
  /** Of the tags that keep what another lost, those that have done so for long enough. */
  readonly expired?: readonly string[];
  /** Tags of this page that the primary moved since they were verified. */
  readonly moves?: readonly string[];
  /** Of these, those that are not to move now: a person is asked first, or has said no. */
  readonly held?: readonly string[];
  /** To be asked for at the primary before anything of this page moves or goes. */
  readonly sample?: readonly PositiveControl[];
  /** Refused, and nothing is recorded. */
  readonly late?: true;
}
