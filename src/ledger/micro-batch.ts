/** Collects what several callers ask within a moment, and answers each. */
export type Batched<I, O> = (item: I) => Promise<O>;

interface Waiting<I, O> {
  readonly item: I;
  resolve(answer: O): void;
  reject(error: unknown): void;
}

/**
 * Makes many small writes one: callers within `waitMs`, or while the batch before is under way, share a run.
 * @param run answers a list in its order; if it fails, each item is run alone, so that one bad item spoils nobody else's
 * @param isolates says whether running alone can help: not if the other side is away
 */
export function microBatch<I, O>(
  run: (items: readonly I[]) => Promise<readonly O[]>,
  options: { waitMs: number; most: number; isolates: (error: unknown) => boolean },
): Batched<I, O> {
  const queue: Waiting<I, O>[] = [];
  let busy = false;

  const settle = async (batch: readonly Waiting<I, O>[]): Promise<void> => {
    try {
      const answers = await run(batch.map(({ item }) => item));
      batch.forEach(({ resolve }, at) => resolve(answers[at] as O));
    } catch (error) {
      if (batch.length > 1 && options.isolates(error)) for (const one of batch) await settle([one]);
      else for (const { reject } of batch) reject(error);
    }
  };
  const drain = async (): Promise<void> => {
    while (queue.length > 0) await settle(queue.splice(0, options.most));
    busy = false;
  };

  return (item) =>
    new Promise<O>((resolve, reject) => {
      queue.push({ item, resolve, reject });
      if (busy) return;
      busy = true;
      setTimeout(() => void drain(), options.waitMs);
    });
}
