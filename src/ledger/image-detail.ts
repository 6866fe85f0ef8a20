import type { ImageKey } from './apply-outcome.ts';
import { heldDeletion, type HeldDeletion } from './decide-deletions.ts';
import { heldMove, type HeldMove } from './decide-moves.ts';
import { heldRow } from './held-rows.ts';
import { imageReferrers, type ToldReferrers } from './image-referrers.ts';
import { imageStatus, LEFT_OUT, type ImageStatus } from './images.ts';
import { asked, iso, type Ledger } from './ledger.ts';
import { tagHistory } from './tag-history.ts';

/** All that is known of an image; moments as ISO 8601. */
export interface ImageDetail extends ImageStatus, ToldReferrers {
  /** What the primary's tag was when it was last read. */
  readonly primary: { readonly digest: string | null; readonly lookedAt: string | null };
  /** What the secondary's tag was when it was last read back and all of it was there. */
  readonly secondary: { readonly digest: string | null; readonly verifiedAt: string | null };
  /** Since when a change is known that is not verified. */
  readonly changedAt: string | null;
  /** When the event came that made Twinport look; null where a scan did. */
  readonly receivedAt: string | null;
  /** Since when the primary is known to lack the tag. */
  readonly missingSince: string | null;
  readonly outOfScope: boolean;
  /** What the secondary's tag lost, the latest first; `to` is null where it was deleted. */
  readonly history: readonly { readonly at: string | null; readonly from: string; readonly to: string | null }[];
  /** What waits for a person. */
  readonly deletion: HeldDeletion | null;
  readonly move: HeldMove | null;
}

/** All of one image, whatever its state; `undefined` if the ledger does not know it. @throws {TwinportError} LEDGER */
export async function imageDetail(ledger: Ledger, key: ImageKey): Promise<ImageDetail | undefined> {
  return asked(async () => {
    const row = await ledger.db
      .selectFrom('images')
      .selectAll()
      .select(LEFT_OUT.as('waived'))
      .where('site', '=', key.site)
      .where('repository', '=', key.repository)
      .where('tag', '=', key.tag)
      .executeTakeFirst();
    if (!row) return undefined;
    const [history, deletion, move, referrers] = await Promise.all([
      tagHistory(ledger.db, key),
      heldRow(ledger.db, 'deletions', key),
      heldRow(ledger.db, 'moves', key),
      imageReferrers(ledger.db, row),
    ]);
    return {
      ...imageStatus(row),
      primary: { digest: row.digest, lookedAt: iso(row.looked_at) },
      secondary: { digest: row.verified_digest, verifiedAt: iso(row.verified_at) },
      changedAt: iso(row.changed_at),
      receivedAt: iso(row.received_at),
      missingSince: iso(row.missing_since),
      outOfScope: row.out_of_scope,
      ...referrers,
      history: history.map(({ at, oldDigest, newDigest }) => ({ at: iso(at), from: oldDigest, to: newDigest })),
      deletion: deletion ? heldDeletion(deletion) : null,
      move: move ? heldMove(move) : null,
    };
  });
}
