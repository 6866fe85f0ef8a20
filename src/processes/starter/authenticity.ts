import type { FastifyRequest } from 'fastify';
import type { WebhookConfig } from '../../config/index.ts';
import type { EventSource } from '../../events/index.ts';
import { describeProofs, shownSecrets, shownSignature, signatureOf, type Proof } from '../../events/proof.ts';
import { createTokenCheck, type TokenCheck } from './identity-token.ts';
import { RequestError } from './request-error.ts';
import { authorizationSecret, sameSecret } from './secret.ts';

/** Tells senders from strangers. */
export interface Authenticity {
  /**
   * Judges by what stands before the body.
   * @returns `signed` where only the body can show it
   * @throws {RequestError} 401 UNAUTHORIZED; 503 UNAVAILABLE (the keys that a token is checked with cannot be read)
   */
  beforeBody(source: EventSource, request: FastifyRequest, inPath: string | undefined): Promise<'authentic' | 'signed'>;
  /**
   * Judges by the body's signature.
   * @throws {RequestError} 401 UNAUTHORIZED
   */
  afterBody(source: EventSource, request: FastifyRequest, body: Uint8Array): void;
}

/** Makes the check of one starter; `secret` is asked of every source that has none of its own. */
export function createAuthenticity(config: Pick<WebhookConfig, 'secrets' | 'tokens'>, secret: string): Authenticity {
  const wanted = (source: EventSource): string => (Object.hasOwn(config.secrets, source.name) ? config.secrets[source.name] : secret) ?? '';
  const checks = new Map<string, TokenCheck>();
  const tokenCheck = (source: EventSource): TokenCheck | undefined => {
    const proof = source.proofs.find((candidate) => candidate.by === 'token');
    const expected = config.tokens?.[source.name];
    if (!proof || !expected) return undefined;
    const known = checks.get(source.name) ?? createTokenCheck({ ...proof, ...expected });
    checks.set(source.name, known);
    return known;
  };
  return {
    async beforeBody(source, request, inPath) {
      const headers = headersOf(request);
      const shown = shownSecrets(source.proofs, headers, inPath);
      if (shown.some((candidate) => sameSecret(candidate, wanted(source)))) return 'authentic';
      const token = authorizationSecret(headers['authorization']);
      if (token !== undefined && (await tokenCheck(source)?.(token)) === true) return 'authentic';
      if (shownSignature(source.proofs, headers) !== undefined) return 'signed';
      throw stranger(source, config);
    },
    afterBody(source, request, body) {
      const shown = shownSignature(source.proofs, headersOf(request));
      if (!sameSecret(shown, signatureOf(body, wanted(source)))) throw stranger(source, config);
    },
  };
}

/** The headers of a request, each once. */
export function headersOf(request: FastifyRequest): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, Array.isArray(value) ? value[0] : value]));
}

function stranger(source: EventSource, { tokens }: Pick<WebhookConfig, 'tokens'>): RequestError {
  const closed = source.proofs.some(isToken) && tokens?.[source.name] === undefined;
  const message = closed
    ? `events of ${source.name} are not taken before webhook.secrets.${source.name} is configured`
    : describeProofs(source.proofs);
  return new RequestError(401, 'UNAUTHORIZED', message, { headers: { 'www-authenticate': 'Bearer' } });
}

const isToken = ({ by }: Proof): boolean => by === 'token';
