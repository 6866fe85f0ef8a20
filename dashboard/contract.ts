import type { ImageAnswer } from '../src/processes/starter/api/images.ts';

/** An image; `referrers` is absent where the starter does not record them. */
export type Image = ImageAnswer & {
  readonly referrers?: readonly { readonly digest: string; readonly artifactType: string | null }[] | null;
};

/** What of the setup is as it must be, and what to give to the primary. */
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
