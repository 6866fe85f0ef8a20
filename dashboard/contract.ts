import type { notificationsFor, SetupState } from '../src/processes/starter/setup.ts';
import type { ImageAnswer } from '../src/processes/starter/api/images.ts';

/** An image; `referrers` is absent where the starter does not record them. */
export type Image = ImageAnswer & {
  readonly referrers?: readonly { readonly digest: string; readonly artifactType: string | null }[] | null;
};

/** What of the setup is as it must be, and what to give to the primary. */
export type Setup = SetupState & { readonly notifications: ReturnType<typeof notificationsFor> };
