import type { Descriptor } from './descriptor.ts';
import type { Digest } from './digest.ts';
import type { Failure } from './failure.ts';
import type { Depth, SitePolicy } from './policy.ts';
import type { Referrers } from './referrers.ts';
import type { UndoOrder } from './undo-order.ts';
import type { Work } from './work.ts';

/*
 * The wire contract between workflows and activities: what each step is told and gives. Payloads carry references,
 * digests and sizes; no credentials, no manifest bodies. Moments are milliseconds since the epoch, by Temporal's clock.
 */

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

// ---- fetchManifests -------------------------------------------------------------------------------------------

export interface FetchManifestsInput extends RepositoryStep {
  readonly looks: readonly Look[];
  /** Also fetch what accompanies each image under tags of its own (fallback index, cosign). */
  readonly companions: boolean;
}

export interface FetchedImage extends TaggedImage {
  readonly manifests: number;
  readonly blobs: number;
  /** Of all content, each blob once. */
  readonly bytes: number;
  /** Foreign layers that stay where they are: by the policy, or because the primary has no bytes of them. */
  readonly leftOut?: number;
  /** The event's digest is not what the tag holds: too early, or already replaced. */
  readonly unexpected?: boolean;
}

export interface FetchManifestsResult {
  readonly summary: string;
  readonly images: readonly FetchedImage[];
  /** Tags that the primary does not hold (404). */
  readonly absent: readonly string[];
  readonly failures: readonly TagFailure[];
  /** When the attempt that read the primary was scheduled. */
  readonly look: number;
}

// ---- enumerateLayers ------------------------------------------------------------------------------------------

export interface EnumerateLayersInput extends RepositoryStep {
  readonly images: readonly TaggedImage[];
  readonly depth: Depth;
}

export interface EnumerateLayersResult {
  readonly summary: string;
  /** Blobs that the secondary lacks, each once. */
  readonly lacking: readonly Descriptor[];
  /** Tags of images that need one of these. */
  readonly incomplete: readonly string[];
  /** Blobs whose presence was proved by reading them. */
  readonly present: number;
  /** The list was cut: enumerate again after copying these. */
  readonly more: boolean;
  readonly failures: readonly TagFailure[];
}

// ---- copyBlobs ------------------------------------------------------------------------------------------------

export interface CopyBlobsInput extends RepositoryStep {
  readonly blobs: readonly Descriptor[];
  /** How what was copied is read back: a registry may keep a broken file and throw away what was sent. Absent: `shallow`. */
  readonly depth?: Depth;
  /** The secondary held them before, and lost or broke them. */
  readonly heals?: true;
}

export interface BlobFailure {
  readonly digest: Digest;
  readonly failure: Failure;
}

export interface CopyBlobsResult {
  readonly summary: string;
  readonly copied: number;
  readonly bytes: number;
  /** Of the bytes, those that an earlier attempt had already brought over. */
  readonly resumedBytes: number;
  readonly mounted: number;
  /** Found present after all. */
  readonly skipped: number;
  readonly failures: readonly BlobFailure[];
}

/** Where the upload of a blob stands; carried by heartbeats, so that a new attempt goes on from there. */
export interface UploadPosition {
  readonly digest: Digest;
  readonly location: string;
  readonly offset: number;
  /** The most bytes of the blob that any attempt has sent: only what goes beyond is progress. */
  readonly furthest?: number;
}

/** What `copyBlobs` heartbeats. */
export interface CopyHeartbeat {
  readonly uploads: readonly UploadPosition[];
  /** Done in all attempts so far. */
  readonly bytes: number;
  readonly copied: number;
  readonly mounted: number;
  /** The last attempt that moved anything: attempts without progress are what is limited. */
  readonly progressAttempt: number;
}

// ---- publishManifests -----------------------------------------------------------------------------------------

export interface PublishManifestsInput extends RepositoryStep {
  readonly images: readonly TaggedImage[];
  /**
   * Which tags that stand for something else may be overwritten: `proven`, those of which the primary still holds what they stood for, as after any
   * push; `never`, none. Absent: all, for who asked has sampled the primary.
   */
  readonly overwrite?: 'proven' | 'never';
  readonly failedBlobs: readonly BlobFailure[];
}

export interface PublishedImage extends TaggedImage {
  /**
   * `verified`: read on both sides, equal; `moved`: the primary's tag is now another digest; `gone`: the primary's tag is
   * no more; `incomplete`: the secondary lost content meanwhile, another round mends it; `doubtful`: the tag stands for something else that this
   * round may not overwrite, so that a scan must decide.
   */
  readonly state: 'verified' | 'moved' | 'gone' | 'incomplete' | 'doubtful' | 'failed';
  /** The digest that the secondary's tag held before and lost. */
  readonly previous?: Digest;
  /** Why that digest could not be kept under a tag of its own. */
  readonly unkept?: string;
  /** Not `verified`, and the secondary's tag may hold the image's digest all the same: it was put, or its put was never answered. */
  readonly put?: true;
  /** Something was put at the secondary. */
  readonly changed: boolean;
  readonly bytes: number;
  readonly failure?: Failure;
  /** What refers to it; only of what is `verified`. */
  readonly referrers?: Referrers;
}

export interface PublishManifestsResult {
  readonly summary: string;
  readonly images: readonly PublishedImage[];
  /** When the attempt that read both sides was scheduled. */
  readonly look: number;
  /** An attempt before this one was given up: what it had put on its way may still arrive. */
  readonly repeated?: true;
}

// ---- markVerification -----------------------------------------------------------------------------------------

export type SyncState = 'pending' | 'started' | 'synced' | 'failed';
export type VerificationState = 'pending' | 'started' | 'succeeded' | 'failed';

/** What an activity saw of one tag, for the ledger. */
export interface ImageOutcome {
  readonly tag: string;
  readonly digest?: Digest;
  readonly sync: SyncState;
  readonly verification: VerificationState;
  readonly failure?: Failure;
  /** When the attempt that looked was scheduled. */
  readonly look: number;
  readonly bytes?: number;
  readonly previous?: Digest;
  /** What the secondary's tag may hold by this look's doing, though it could not be verified: without it, nobody would know the tag as ours. */
  readonly put?: Digest;
  /** When the event that made us look was received. */
  readonly receivedAt?: number;
  readonly attempts?: number;
  readonly referrers?: Referrers;
  /** The primary no longer holds the tag and the secondary never did: the row goes. */
  readonly gone?: boolean;
}

export interface MarkVerificationInput extends RepositoryStep {
  readonly outcomes: readonly ImageOutcome[];
}

export interface MarkVerificationResult {
  readonly summary: string;
  readonly recorded: number;
  /** Tags whose looks overlapped and differed: they are `pending` and need another look. */
  readonly overlapping: readonly string[];
}

// ---- scanning -------------------------------------------------------------------------------------------------

export interface ListRepositoriesInput extends Step {
  readonly policy: SitePolicy;
  /** The last repository of the page before. */
  readonly after?: string;
  readonly limit: number;
}

export interface ListRepositoriesResult {
  readonly summary: string;
  /** In scope of the policy, sorted. */
  readonly repositories: readonly string[];
  readonly excluded: number;
  /** When this look was scheduled. */
  readonly look: number;
  /** Where to go on; absent on the last page. */
  readonly next?: string;
}

/**
 * What the ledger knows and this backfill has not scanned yet: else a repository that vanished from the catalog is never seen.
 * Asked after the catalog's last page, because a catalog's order is its own and no window of it can be told to a database.
 */
export interface KnownRepositoriesInput {
  readonly policy: SitePolicy;
  /** Repositories whose latest scan is older than this. */
  readonly scannedBefore: number;
  readonly after?: string;
  readonly limit: number;
}

export interface KnownRepositoriesResult {
  readonly repositories: readonly string[];
}

export interface CompareRepositoryInput extends RepositoryStep {
  readonly after?: string;
  readonly limit: number;
}

export interface ComparedTag {
  readonly tag: string;
  readonly digest: Digest;
  /** The secondary holds the same digest and the same referrers. */
  readonly same: boolean;
}

export interface CompareRepositoryResult {
  readonly summary: string;
  /** When this look was scheduled. */
  readonly look: number;
  /** The primary's tags in scope, of this page, sorted. */
  readonly tags: readonly ComparedTag[];
  /** Tags of this page's window at the secondary that the primary does not list. */
  readonly extra: readonly string[];
  /** Tags of this page's window that keep what another tag of the secondary lost. */
  readonly kept?: readonly string[];
  readonly excluded: number;
  readonly failures: readonly TagFailure[];
  /** With `untagged: all`, on the last page: manifests that no tag of the primary names and the secondary lacks. */
  readonly untagged?: readonly Digest[];
  /** Where to go on; absent on the last page. */
  readonly next?: string;
  /** The primary says that it has no such repository. */
  readonly absent?: boolean;
}

export interface RecordScanInput extends RepositoryStep {
  /** One scan, however many pages. */
  readonly scan: string;
  readonly after?: string;
  readonly page: CompareRepositoryResult;
  /** `auto` re-reads what has no young verification; the others re-read all. */
  readonly verify: 'auto' | Depth;
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
}

// ---- deletions ------------------------------------------------------------------------------------------------

export interface PlanDeletionsInput extends RepositoryStep {
  readonly candidates: readonly TaggedImage[];
  /** Tags and digests that delete events named. */
  readonly events: readonly Notice[];
  /** When the listing that lacked them was scheduled. */
  readonly look: number;
  /** How far apart two listings must be; 0 when a person runs `sync`, which lists twice at once. */
  readonly confirmAfterMs: number;
}

/** A tag that the ledger knows to be at the primary: reading it proves that the primary answers truthfully. */
export interface PositiveControl {
  readonly repository: string;
  readonly tag: string;
  readonly digest: Digest;
}

export interface PlannedDeletion {
  readonly id: string;
  readonly tag: string;
  readonly digest: Digest;
  /** May go even where the digest cannot be kept under a tag of its own: then nothing brings it back. */
  readonly unkept?: boolean;
}

export interface PlanDeletionsResult {
  readonly summary: string;
  /** May go now; the budget is reserved. */
  readonly approved: readonly PlannedDeletion[];
  readonly controls: readonly PositiveControl[];
  readonly held: number;
  /** Not yet confirmed by a second listing. */
  readonly waiting: number;
}

export interface DeleteTagsInput extends RepositoryStep {
  readonly deletions: readonly PlannedDeletion[];
  readonly controls: readonly PositiveControl[];
}

/** `unkept`, where it is held: what it stands for could not be kept. */
export interface DeletionOutcome extends PlannedDeletion {
  /**
   * `deleted`; `absent`: was not there any more; `back`: the primary holds the tag (again); `changed`: the secondary's tag is not what
   * Twinport put there; `held`: the registry or another user of the digest stands in the way; `unproved`: no evidence now, so nothing was done.
   */
  readonly result: 'deleted' | 'absent' | 'back' | 'changed' | 'held' | 'unproved';
  readonly reason?: string;
  /** `changed`: what the secondary's tag is now. */
  readonly found?: Digest;
}

export interface DeleteTagsResult {
  readonly summary: string;
  readonly outcomes: readonly DeletionOutcome[];
  readonly look: number;
}

export interface RecordDeletionsResult {
  readonly summary: string;
  /** Tags that hold something else that is ours, and are to be planned again. */
  readonly again?: number;
}

export interface RecordDeletionsInput extends RepositoryStep {
  readonly outcomes: readonly DeletionOutcome[];
  readonly look: number;
}

// ---- backfill -------------------------------------------------------------------------------------------------

/** A listing of the primary's whole catalog. */
export interface CatalogScan {
  readonly scan: string;
  readonly startedAt: number;
  readonly pages: number;
  readonly complete: boolean;
  readonly listed: number;
  readonly excluded: number;
}

/** What a page of the primary's catalog listed. */
export interface CatalogPage {
  /** When the listing of the whole catalog began. */
  readonly startedAt: number;
  readonly repositories: readonly string[];
}

export interface RecordBackfillInput {
  readonly site: string;
  readonly progress: BackfillProgress;
  /** The page that is to be worked on next; absent for records in between. */
  readonly listed?: CatalogPage;
  /** Once the last page was read. */
  readonly catalog?: CatalogScan;
}

/** What a Schedule asks for; the policy is the control side's of that moment. */
export interface StartScheduledInput {
  readonly site: string;
  readonly kind: 'backfill' | 'verify';
}

// ---- verification of a site -----------------------------------------------------------------------------------

/** Where a verification stands in the site's images, which are ordered by repository and tag. */
export interface ImageCursor {
  readonly repository: string;
  readonly tag: string;
}

export interface ImagesToVerifyInput {
  readonly policy: SitePolicy;
  /** The last image of the page before. */
  readonly after?: ImageCursor;
  readonly limit: number;
  /** Which part of the images to choose, by chance: above 0, up to 1. */
  readonly sample: number;
}

export interface ImagesToVerifyResult {
  readonly summary: string;
  /** What the ledger calls synced, one batch a repository. */
  readonly batches: readonly { readonly repository: string; readonly tags: readonly string[] }[];
  /** Absent after the last page. */
  readonly next?: ImageCursor;
}

export interface VerifySiteInput {
  readonly policy: SitePolicy;
  readonly depth: Depth;
  /** Above 0, up to 1: all. */
  readonly sample: number;
  /** Carried over a continue-as-new. */
  readonly carried?: { readonly after?: ImageCursor; readonly paused: boolean; readonly progress: VerifyProgress };
}

export interface VerifyProgress {
  readonly state: 'running' | 'paused' | 'done';
  readonly depth: Depth;
  /** Images read back so far; those whose content was missing or differed, and was mended; those that could not be. */
  readonly images: number;
  readonly repaired: number;
  readonly failed: number;
  /** Those whose tag moved again and again while they were read: neither equal nor broken, and left to their own events. */
  readonly moving?: number;
  readonly work: Work;
}

// ---- looks ----------------------------------------------------------------------------------------------------

export interface LookAtDigestsInput extends RepositoryStep {
  readonly digests: readonly Digest[];
}

export interface LookAtDigestsResult {
  readonly summary: string;
  /** Digests to be synchronised: subjects at the secondary whose referrers changed, and, with `untagged: all`, what has no tag. */
  readonly subjects: readonly Digest[];
}

export interface StartLookInput extends RepositoryStep {
  readonly looks: readonly Look[];
  readonly notices: readonly Notice[];
}

// ---- workflows ------------------------------------------------------------------------------------------------

export interface SyncImageInput extends RepositoryStep {
  readonly tag: string;
  /** The look that was pending at a continue-as-new. */
  readonly pending?: Look;
  /** Failed attempts so far. */
  readonly attempts?: number;
  /** Puts of the tag since it was last seen to stay. */
  readonly puts?: number;
}

export interface SyncImageResult {
  readonly summary: string;
  readonly digest?: Digest;
  readonly rounds: number;
}

export interface SyncRepositoryInput extends RepositoryStep {
  /** `scan` compares at once; `notices` waits for signals first. */
  readonly mode: 'scan' | 'notices';
  readonly verify: 'auto' | Depth;
  /** A person waits for the end: list twice at once instead of `confirmAfter` later, and do not sleep on failures. */
  readonly once: boolean;
  readonly pending?: readonly Notice[];
  /** Failed scans in a row, for the back-off. */
  readonly attempts?: number;
  /** A scan that a continue-as-new interrupted. */
  readonly carried?: ScanCarried;
  /** What runs before a continue-as-new have done; then a child's scan is over. */
  readonly done?: { readonly work: Work; readonly unsettled: number };
  /** When failures are due for another scan. */
  readonly dueAt?: number;
}

export interface ScanCarried {
  readonly scan: string;
  /** When the scan's first page was looked at. */
  readonly look: number;
  /** The last tag of the last page that is done. */
  readonly after: string;
  readonly gone: readonly TaggedImage[];
  readonly work: Work;
  readonly unsettled: number;
  /** The notices that this scan serves; those that came after its start wait for the next. */
  readonly asked: readonly Notice[];
}

export interface SyncRepositoryResult {
  readonly summary: string;
  readonly work: Work;
  /** Images that failed and that a retry may mend. */
  readonly unsettled: number;
}

/** What a repository's workflow tells one that waits for a comparison that it did not start. */
export interface Scanned extends SyncRepositoryResult {
  readonly repository: string;
  /** Why there was no comparison; CANCELLED: that workflow was stopped, and another may be started. */
  readonly failure?: Failure;
}

export interface BackfillSiteInput {
  readonly policy: SitePolicy;
  readonly verify: 'auto' | Depth;
  readonly once: boolean;
  /** Repositories at a time. */
  readonly concurrency: number;
  /** Carried over a continue-as-new. */
  readonly carried?: BackfillCarried;
}

export interface BackfillCarried {
  readonly startedAt: number;
  readonly look: number;
  readonly pages: number;
  /** The run in which it began: its name in the ledger. */
  readonly scan?: string;
  /** The catalog's cursor; absent once it is through, when the ledger's own repositories follow. */
  readonly after?: string;
  readonly catalogDone: boolean;
  readonly knownAfter?: string;
  readonly paused?: boolean;
  readonly progress: BackfillProgress;
}

export interface BackfillProgress {
  readonly state: 'running' | 'paused' | 'failed' | 'cancelled' | 'done';
  /** Repositories done, and found so far. */
  readonly done: number;
  readonly total: number;
  readonly excluded: number;
  readonly failures: readonly { readonly repository: string; readonly failure: Failure }[];
  readonly work: Work;
  /** By Temporal's clock; absent in what an older release wrote. */
  readonly startedAt?: number;
}
