import type { RateLimit } from './rate-limit-headers.ts';

/** What a host still gives by its own word, and how that is made to last. */
export interface RateBudget {
  /** Takes in what an answer told; the tightest limit holds. */
  observe(limits: readonly RateLimit[]): void;
  /** Milliseconds until the next request that counts may start; 0: at once. */
  delay(): number;
  /** A request that counts starts, and has been answered. */
  spend(): void;
  answered(): void;
  /** Requests that are left by the host's last word, less what was sent since; `undefined` where it said nothing, or that time is over. */
  readonly left: number | undefined;
  /** So little is left that it is spread. */
  readonly isLittle: boolean;
}

/** Below this part of the limit (or this many, where it is not told) the rest is spread over the time until there is more. */
const LITTLE = 1 / 5;
const LITTLE_REQUESTS = 10;

/** Nobody is obeyed for longer without being asked again: a wrong clock or a joke must not stop a site. */
const LONGEST_MS = 300_000;

interface State {
  readonly limit: number | undefined;
  readonly resetAt: number | undefined;
  /** Where the host does not say when: a window gives so much in the long run. */
  readonly steadyMs: number | undefined;
  /** When nothing of this is true any more. */
  readonly endsAt: number;
  left: number;
}

/** A budget of which nothing is known yet. */
export function createRateBudget(now: () => number = () => performance.now()): RateBudget {
  let state: State | undefined;
  let lastStart = Number.NEGATIVE_INFINITY;
  let inFlight = 0;

  function current(): State | undefined {
    if (state && now() >= state.endsAt) state = undefined;
    return state;
  }
  return {
    observe(limits) {
      const at = now();
      // The request that was answered is counted there already.
      const states = limits.map((limit) => stateOf(limit, at, Math.max(0, inFlight - 1)));
      const [tightest] = states.sort((a, b) => intervalMs(b, at) - intervalMs(a, at) || a.left - b.left);
      if (!tightest) return;
      if (lastStart === Number.NEGATIVE_INFINITY) lastStart = at;
      state = tightest;
    },
    delay() {
      const known = current();
      if (!known || !isLittle(known)) return 0;
      const at = now();
      return Math.max(0, Math.min(lastStart + intervalMs(known, lastStart), known.resetAt ?? Infinity) - at);
    },
    spend() {
      lastStart = now();
      inFlight += 1;
      const known = current();
      if (known) known.left = Math.max(0, known.left - 1);
    },
    answered() {
      inFlight = Math.max(0, inFlight - 1);
    },
    get left() {
      return current()?.left;
    },
    get isLittle() {
      const known = current();
      return known !== undefined && isLittle(known);
    },
  };
}

function stateOf({ limit, remaining, resetMs, windowMs }: RateLimit, at: number, inFlight: number): State {
  const lasts = resetMs ?? windowMs ?? 60_000;
  return {
    limit,
    resetAt: resetMs === undefined ? undefined : at + resetMs,
    steadyMs: limit !== undefined && windowMs !== undefined ? windowMs / limit : undefined,
    endsAt: at + lasts,
    // What is under way may be counted already, or not yet.
    left: Math.max(0, remaining - inFlight),
  };
}

function isLittle({ limit, left }: State): boolean {
  return left <= (limit === undefined ? LITTLE_REQUESTS : Math.max(1, Math.ceil(limit * LITTLE)));
}

/** Between two starts: what is left, evenly over what time is left. */
function intervalMs(state: State, from: number): number {
  if (!isLittle(state)) return 0;
  const { resetAt, steadyMs, left } = state;
  const even = resetAt === undefined ? (steadyMs ?? (left > 0 ? 0 : 1_000)) : Math.max(0, resetAt - from) / (left + 1);
  return Math.min(LONGEST_MS, even);
}
