import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until a condition holds; says what was last seen if it never does. */
export async function eventually<T>(look: () => Promise<T>, good: (seen: T) => boolean, ms = 60_000, every = 50): Promise<T> {
  let seen = await look();
  for (const until = Date.now() + ms; !good(seen); seen = await look()) {
    if (Date.now() > until) throw new Error(`never came true; last seen: ${JSON.stringify(seen)}`);
    await sleep(every);
  }
  return seen;
}
