import { condition } from '@temporalio/workflow';

/** Holds the namespace for one Twinport: its memo carries the ledger's id, so that a stranger's start is refused. */
export async function owner(): Promise<void> {
  await condition(() => false);
}
