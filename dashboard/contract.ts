import type { notificationsFor, SetupState } from '../src/processes/starter/setup.ts';

/** What of the setup is as it must be, and what to give to the primary. */
export type Setup = SetupState & { readonly notifications: ReturnType<typeof notificationsFor> };
