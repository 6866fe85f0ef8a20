import { createPrivateKey, createPublicKey, randomUUID, X509Certificate, type KeyObject } from 'node:crypto';
import { SignJWT, type JWTHeaderParameters } from 'jose';
import { TwinportError } from '../../model/failure.ts';
import { libtrustKeyId, thumbprintKeyId } from './key-id.ts';

export interface MintOptions {
  /** PEM of the registry's signing key. */
  readonly key: string;
  /** PEM of its certificate, maybe with the chain: sent as `x5c`, which every version understands, instead of `kid`. */
  readonly certificate?: string | undefined;
  readonly issuer: string;
  readonly service: string;
  readonly repositories: readonly string[];
  /** Also allow the listing of repositories. */
  readonly catalog?: boolean;
  /** `libtrust` (Distribution 2, GitLab), `rfc7638` (Distribution 3), or an id of the registry's own key list. */
  readonly kid: 'libtrust' | 'rfc7638' | (string & {});
  readonly ttlSeconds: number;
}

/** Registries allow for a minute; a clock that is a little ahead must not make tokens that are not yet good. */
const BACKDATED_SECONDS = 5;

/**
 * Makes a token that allows to pull from `repositories`, and nothing else.
 * @throws {TwinportError} CONFIG (a key or certificate that cannot be used, or that do not belong together)
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export async function mintPullToken(options: MintOptions): Promise<string> {
  const key = readKey(options.key);
  const access = options.repositories.map((name) => ({ type: 'repository', name, actions: ['pull'] }));
  if (options.catalog) access.push({ type: 'registry', name: 'catalog', actions: ['*'] });
  // Distribution 2 wants whole seconds, and the audience as one string.
  const now = Math.floor(Date.now() / 1000);
  return new SignJWT({ access, jti: randomUUID() })
    .setProtectedHeader({ alg: algorithmOf(key), typ: 'JWT', ...(await identify(key, options)) })
    .setIssuer(options.issuer)
    .setAudience(options.service)
    .setSubject('twinport')
    .setIssuedAt(now)
    .setNotBefore(now - BACKDATED_SECONDS)
    .setExpirationTime(now + Math.ceil(options.ttlSeconds))
    .sign(key);
}

function readKey(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new TwinportError('CONFIG', 'the token key is no private key that can be read: it must be PEM, without a passphrase', { cause });
  }
}

function algorithmOf(key: KeyObject): string {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve === 'prime256v1') return 'ES256';
  if (curve === 'secp384r1') return 'ES384';
  throw new TwinportError(
    'CONFIG',
    `the token key is ${key.asymmetricKeyType} ${curve ?? ''}: registries take RSA, or EC with P-256 or P-384`,
  );
}

async function identify(key: KeyObject, options: MintOptions): Promise<Partial<JWTHeaderParameters>> {
  if (options.certificate !== undefined) return { x5c: readChain(options.certificate, key) };
  const publicKey = createPublicKey(key);
  if (options.kid === 'libtrust') return { kid: libtrustKeyId(publicKey) };
  return { kid: options.kid === 'rfc7638' ? await thumbprintKeyId(publicKey) : options.kid };
}

/** Base64 DER of each certificate, leaf first. */
function readChain(pem: string, key: KeyObject): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  let chain: X509Certificate[];
  try {
    chain = blocks.map((block) => new X509Certificate(block));
  } catch (cause) {
    throw new TwinportError('CONFIG', 'the certificate of the token key cannot be read: it must be PEM', { cause });
  }
  if (!chain[0]?.checkPrivateKey(key))
    throw new TwinportError('CONFIG', 'the certificate does not belong to the token key (the leaf must come first)');
  return chain.map((certificate) => certificate.raw.toString('base64'));
}
