import type { ImageStatus } from '../src/ledger/images.ts';
import type { HeldDeletion } from '../src/ledger/decide-deletions.ts';
import type { HeldMove } from '../src/ledger/decide-moves.ts';
import type { SiteStatus } from '../src/ledger/site-status.ts';

export interface Site extends SiteStatus {
  readonly lastEvent?: { readonly source: string; readonly at: string } | null;
  readonly backfill: SiteStatus['backfill'] & { readonly startedAt?: string | null; readonly remainingSeconds?: number | null };
}
export interface Sample {
  readonly at: string;
  readonly lagSeconds: number | null;
  readonly recoveryPointSeconds: number | null;
  readonly total: number;
  readonly verified: number;
  readonly failed: number;
  readonly pending: number;
  readonly images: number;
  readonly bytes: number;
}
export interface ImageDetail extends ImageStatus {
  readonly primary?: { readonly digest: string | null; readonly lookedAt: string | null };
  readonly secondary?: { readonly digest: string | null; readonly verifiedAt: string | null };
  readonly changedAt?: string | null;
  readonly receivedAt?: string | null;
  readonly missingSince?: string | null;
  readonly outOfScope?: boolean;
  readonly history?: readonly { readonly at: string; readonly from: string | null; readonly to: string | null }[];
  readonly referrers?: readonly { readonly digest: string; readonly artifactType: string | null }[] | null;
  readonly workflows?: readonly { readonly id: string; readonly url: string | null }[];
  readonly deletion?: HeldDeletion | null;
  readonly move?: HeldMove | null;
}
export interface Info {
  readonly version: string;
  readonly webUi: string | null;
  readonly primary: { readonly name: string; readonly url: string; readonly kind: string } | null;
  readonly inbox: number;
  readonly mayAct: boolean;
}
export interface Setup {
  readonly checkedAt: string;
  readonly checks: readonly {
    readonly name: string;
    readonly ok: boolean | null;
    readonly message: string;
    readonly remedy: string | null;
  }[];
  readonly notifications: { readonly kind: string; readonly text: string } | null;
}
export interface SiteLimits {
  readonly requests: number;
  readonly transfers: number;
  readonly bytesPerSecond: number | null;
  readonly scanRequestsPerSecond: number | null;
}
