/** Work, added up over rounds, repositories and sites. */
export interface Work {
  readonly bytesCopied: number;
  readonly blobsCopied: number;
  readonly blobsMounted: number;
  readonly blobsSkipped: number;
  readonly deleted: number;
  /** Images that the ledger called verified and whose content at the secondary had to be mended. */
  readonly repaired: number;
  readonly failed: number;
  readonly synced: number;
}

export const NO_WORK: Work = {
  bytesCopied: 0,
  blobsCopied: 0,
  blobsMounted: 0,
  blobsSkipped: 0,
  deleted: 0,
  repaired: 0,
  failed: 0,
  synced: 0,
};

/** Adds two amounts of work. */
export function addWork(a: Work, b: Partial<Work>): Work {
  const sum: Record<string, number> = { ...a };
  for (const [key, value] of Object.entries(b)) sum[key] = (sum[key] ?? 0) + value;
  return sum as unknown as Work;
}
