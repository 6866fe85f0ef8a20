import { isTwinportError } from '../../model/failure.ts';

const CANCELLED = 1;
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;
const NO_ANSWER: ReadonlySet<number> = new Set([CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE]);
const GRPC_CODES = 16;

/** Whether Temporal answered when it was last asked: while it does not, events go straight to the inbox. */
export interface TemporalHealth {
  away: boolean;
  /** When it last took something, by `performance.now`. */
  answeredAt: number;
}

/** Says whether a call failed without an answer from Temporal, as opposed to an answer that we did not like. */
export function isTemporalAway(thrown: unknown): boolean {
  if (isTwinportError(thrown)) return false;
  const code = causes(thrown)
    .map((cause) => cause.code)
    .find((value): value is number => typeof value === 'number' && value > 0 && value <= GRPC_CODES);
  return code === undefined || NO_ANSWER.has(code);
}

interface Thrown {
  readonly code?: unknown;
  readonly cause?: unknown;
}

function causes(thrown: unknown): Thrown[] {
  const chain: Thrown[] = [];
  for (let at = thrown; typeof at === 'object' && at !== null && chain.length < 8; at = (at as Thrown).cause) chain.push(at);
  return chain;
}
