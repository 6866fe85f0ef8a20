import { readErrorText } from './incoming.ts';
import { limiterFor } from './limiter.ts';
import { overloadPauseMs } from './overload.ts';
import { pause } from './pause.ts';
import { retryAfterOf } from './retry-after.ts';
import { hostOf } from './target-url.ts';
import type { Wire, WireAnswer, WireRequest } from './wire.ts';

/**
 * One exchange with a host beside the registry, a token service above all, in that host's turn and by its limits; again where it is only overloaded.
 * @param sort of request, as limits are counted
 * @param timeoutMs for the exchange and its body, without the wait for a turn
 */
export async function exchangeInTurn(wire: Wire, request: WireRequest, sort: string, timeoutMs: number): Promise<WireAnswer> {
  const limiter = limiterFor(hostOf(request.url.href));
  for (let tries = 1; ; tries++) {
    const release = await limiter.acquireRequest(undefined, { sort });
    const startedAt = limiter.now();
    let answer: WireAnswer;
    try {
      answer = await wire.exchange({ ...request, signal: AbortSignal.timeout(timeoutMs) });
    } finally {
      release();
    }
    const { status, headers } = answer;
    limiter.answered({ sort, status, headers, startedAt });
    const waitMs = overloadPauseMs(request, status, retryAfterOf(headers), tries);
    if (waitMs === undefined) return answer;
    await readErrorText(answer.body, () => undefined);
    await pause(waitMs);
  }
}
