/** A token and how long it is good for. */
export interface Token<T = string> {
  readonly value: T;
  readonly lifeMs: number;
}

/** Tokens by what they are good for; whoever asks while one is being fetched waits for the same one. */
export interface TokenCache<T = string> {
  /** @param fresh in the first half of its life only */
  get(key: string, fresh: boolean, fetch: () => Promise<Token<T>>): Promise<T>;
  /** Forgets a token, if it is still the one that was refused. */
  drop(key: string, value: T): void;
}

interface Entry<T> {
  readonly value: T;
  readonly freshUntil: number;
  readonly renewAt: number;
}

/** Before this many tokens, the dead ones are not looked for. */
const MANY = 1_000;
const EARLY_MS = 10_000;

/** An empty cache. */
export function createTokenCache<T = string>(now: () => number = () => performance.now()): TokenCache<T> {
  const entries = new Map<string, Entry<T>>();
  const flights = new Map<string, Promise<T>>();

  async function renew(key: string, fetch: () => Promise<Token<T>>): Promise<T> {
    // The life counts from the asking: the service may have signed the token at any time since.
    const asked = now();
    const { value, lifeMs } = await fetch();
    if (entries.size >= MANY) prune();
    entries.set(key, { value, freshUntil: asked + lifeMs / 2, renewAt: asked + renewalMs(lifeMs) });
    return value;
  }
  function prune(): void {
    for (const [key, entry] of entries) if (entry.renewAt <= now()) entries.delete(key);
    if (entries.size >= MANY) entries.clear();
  }
  return {
    get(key, fresh, fetch) {
      const entry = entries.get(key);
      if (entry && now() < (fresh ? entry.freshUntil : entry.renewAt)) return Promise.resolve(entry.value);
      const flight = flights.get(key);
      if (flight) return flight;
      const started = renew(key, fetch).finally(() => flights.delete(key));
      flights.set(key, started);
      return started;
    },
    drop(key, value) {
      if (entries.get(key)?.value === value) entries.delete(key);
    },
  };
}

/** At two thirds of its life, or 10 s before its end, whichever comes first; a short-lived one at half. */
function renewalMs(lifeMs: number): number {
  return Math.max(lifeMs / 2, Math.min((lifeMs * 2) / 3, lifeMs - EARLY_MS));
}
