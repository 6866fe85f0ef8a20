import type { Authorizer } from '../auth/authorizer.ts';
import { parseChallenges } from '../auth/challenge.ts';
import { registryError, type Peer } from '../errors.ts';
import { refusal } from '../refusal.ts';
import { createExchange, type Exchange, type OnRequest } from './exchange.ts';
import { headerOf, headersOf } from './headers.ts';
import { readBounded, readErrorText, streamIncoming } from './incoming.ts';
import type { HostLimiter } from './limiter.ts';
import { networkError } from './network-error.ts';
import { overloadPauseMs } from './overload.ts';
import { abandon } from './outgoing.ts';
import { pause } from './pause.ts';
import { isStreamed, type RegistryRequest, type RegistryResponse } from './request.ts';
import { retryAfterOf } from './retry-after.ts';
import { holdsShown, shownCredentials, withoutShown } from './shown-credentials.ts';
import { rootOf, targetUrl } from './target-url.ts';
import { stallMsOf, type Wire } from './wire.ts';

/** What a session lends to each of its requests. */
export interface SendContext {
  readonly peer: Peer;
  readonly wire: Wire;
  readonly limiter: HostLimiter;
  readonly authorizer: Authorizer;
  readonly counters: { requests: number; bytesReceived: number; bytesSent: number };
  readonly onRequest?: OnRequest | undefined;
}

const MAX_BODY_BYTES = 32 * 1024 * 1024;
const NOTHING = new Uint8Array(0);

/**
 * Sends a request: finds its authorization, waits for the host's turn, follows redirects, and after a 401 tries once more with a fresh token.
 * @throws {RegistryError} every code that an answer or a broken connection can mean
 */
export async function send(context: SendContext, request: RegistryRequest): Promise<RegistryResponse> {
  /** What this request has shown of ours, to be struck out of whatever is said about it. */
  const shown: string[] = [];
  try {
    return await sendOnceOrTwice(context, request, (header) => shown.push(...shownCredentials(header)));
  } catch (thrown) {
    abandon(request.body);
    throw withoutShown(networkError(context.peer, request, thrown, request.signal), shown);
  }
}

async function sendOnceOrTwice(
  context: SendContext,
  request: RegistryRequest,
  shows: (header: string | undefined) => void,
): Promise<RegistryResponse> {
  const { peer, authorizer } = context;
  const url = targetUrl(peer, request);
  // Uploads may live elsewhere (object storage): our credentials are not for there.
  const ours = url.origin === rootOf(peer).origin;
  const fresh = isStreamed(request.body);
  let header = ours ? await authorizer.authorize(request, { fresh, signal: request.signal }) : undefined;
  shows(header);
  const first = await attempt(context, request, url, header);
  // A stranger to whom the registry redirects may not say where our credentials go.
  if (!ours || first.redirected || !mayBeRenewed(request, first.status, header)) return settle(context, request, first, header);
  const { status } = first;
  const challenges = parseChallenges(headersOf(first.answer.headers, 'www-authenticate'));
  const text = await discard(context, first);
  const insufficientScope = challenges.some((challenge) => challenge.params['error'] === 'insufficient_scope');
  const refused = refusal(peer, request, { status, text, insufficientScope, date: headerOf(first.answer.headers, 'date') });
  if (status === 403 && !ENDED.test(text)) throw refused;
  header = await authorizer.renew(request, header, challenges, url, request.signal);
  if (header === undefined) throw refused;
  shows(header);
  // The body is gone: the caller must bring it again, and the token is good by then.
  if (fresh)
    throw registryError(peer, request, 'UNAUTHORIZED', `answered ${status} to a body that cannot be sent twice`, {
      status,
      codes: refused.codes,
      retry: 'now',
    });
  return settle(context, request, await attempt(context, request, url, header), header);
}

/** What ECR says with a 403 of a password that has ended; to a HEAD nothing can be said. */
const ENDED = /^\s*$|authorization token has expired/i;

function mayBeRenewed(request: RegistryRequest, status: number, header: string | undefined): boolean {
  return status === 401 || (status === 403 && header !== undefined && !request.accept.includes(403));
}

/** One exchange, in the host's turn, or some where the host is only overloaded; the last one's end gives the turn back. */
async function attempt(context: SendContext, request: RegistryRequest, url: URL, header: string | undefined): Promise<Exchange> {
  for (let tries = 1; ; tries++) {
    const exchange = await once(context, request, url, header);
    const waitMs = overloadPauseMs(request, exchange.status, retryAfterOf(exchange.answer.headers), tries);
    if (waitMs === undefined) return exchange;
    await discard(context, exchange);
    await pause(waitMs, request.signal);
  }
}

async function once(context: SendContext, request: RegistryRequest, url: URL, header: string | undefined): Promise<Exchange> {
  const { limiter, peer, wire, counters, onRequest } = context;
  const sort = sortOf(request);
  // Who ends an upload lets go of what the registry holds for it.
  const release = await limiter.acquireRequest(request.signal, { sort, first: request.url !== undefined && request.scope === 'push' });
  const startedAt = limiter.now();
  const exchange = createExchange({ peer, wire, limiter, counters, onRequest, stallMs: stallMsOf(peer.endpoint), release });
  const done = await exchange(request, url, header);
  // Only the registry speaks for itself: object storage that it redirects to has limits of its own.
  if (!done.redirected) limiter.answered({ sort, status: done.status, headers: done.answer.headers, startedAt });
  return done;
}

/** `GET manifests`, `PUT blobs`, …: hosts count by these. */
function sortOf({ method, path }: RegistryRequest): string {
  return `${method} ${path.split('/', 1)[0]}`;
}

async function settle(
  context: SendContext,
  request: RegistryRequest,
  exchange: Exchange,
  header: string | undefined,
): Promise<RegistryResponse> {
  const { peer, limiter, counters, authorizer } = context;
  const { answer, status } = exchange;
  if (header !== undefined && status < 300) authorizer.accepted?.(header);
  if (!request.accept.includes(status)) throw await refused(context, request, exchange);
  const response = {
    ...{ status, url: exchange.url.href, bytes: NOTHING },
    header: (name: string) => headerOf(answer.headers, name),
    echoes: (text: string) => holdsShown(text, shownCredentials(header)),
  };
  const count = (bytes: number): void => {
    counters.bytesReceived += bytes;
  };
  if (request.stream) {
    // A long body must not keep small requests from their turn.
    exchange.release();
    const stream = streamIncoming(answer.body, {
      onBytes: async (bytes) => {
        count(bytes);
        await limiter.spend(bytes, request.signal);
      },
      failed: (thrown) => networkError(peer, request, thrown, request.signal),
      onEnd: exchange.end,
    });
    return { ...response, stream };
  }
  try {
    const { bytes, complete } = await readBounded(answer.body, request.maxBytes ?? MAX_BODY_BYTES, count);
    if (!complete)
      throw registryError(peer, request, 'TOO_LARGE', `answered more than ${request.maxBytes ?? MAX_BODY_BYTES} bytes`, { status });
    return { ...response, bytes };
  } finally {
    exchange.end();
  }
}

async function refused(context: SendContext, request: RegistryRequest, exchange: Exchange): Promise<Error> {
  const { answer, status } = exchange;
  const wait = status === 429 || status === 503 ? retryAfterOf(answer.headers) : undefined;
  const text = await discard(context, exchange);
  const insufficientScope = parseChallenges(headersOf(answer.headers, 'www-authenticate')).some(
    (challenge) => challenge.params['error'] === 'insufficient_scope',
  );
  return refusal(context.peer, request, { status, text, insufficientScope, retryAfterMs: wait, date: headerOf(answer.headers, 'date') });
}

async function discard(context: SendContext, exchange: Exchange): Promise<string> {
  try {
    return await readErrorText(exchange.answer.body, (bytes) => {
      context.counters.bytesReceived += bytes;
    });
  } finally {
    exchange.end();
  }
}
