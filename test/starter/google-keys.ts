import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

export const AUDIENCE = 'https://twinport.example.com/events/gar';
export const ACCOUNT = 'pubsub@my-project.iam.gserviceaccount.com';

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

/** Google's key set and the tokens of its Pub/Sub, as documented: https://cloud.google.com/pubsub/docs/authenticate-push-subscriptions */
export interface GoogleKeys {
  readonly url: string;
  /** How often the keys were read. */
  readonly reads: () => number;
  /** A token as Pub/Sub sends it, but for what is said to be different. */
  token(claims?: JWTPayload, options?: { kid?: string; key?: PrivateKey; expires?: string | false }): Promise<string>;
  /** An HMAC under the public key: a verifier that lets the token choose would take it. */
  confused(): Promise<string>;
  close(): Promise<void>;
}

const CLAIMS: JWTPayload = {
  iss: 'https://accounts.google.com',
  aud: AUDIENCE,
  azp: '113774264463038321964',
  email: ACCOUNT,
  email_verified: true,
  sub: '113774264463038321964',
};

/** A real HTTP server with the keys, and the private half to sign with. */
export async function startGoogleKeys(): Promise<GoogleKeys> {
  const { publicKey, privateKey } = await generateKeyPair('RS256');
  const jwk = await exportJWK(publicKey);
  let reads = 0;
  const server = createServer((_request, response) => {
    reads += 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ keys: [{ ...jwk, kid: 'google-1', use: 'sig', alg: 'RS256' }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/oauth2/v3/certs`,
    reads: () => reads,
    token(claims = {}, { kid = 'google-1', key = privateKey, expires = '1h' } = {}) {
      const token = new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ alg: 'RS256', kid, typ: 'JWT' }).setIssuedAt();
      return (expires === false ? token : token.setExpirationTime(expires)).sign(key);
    },
    confused: () =>
      new SignJWT(CLAIMS)
        .setProtectedHeader({ alg: 'HS256', kid: 'google-1' })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(JSON.stringify(jwk))),
    close: () => close(server),
  };
}

/** The same claims, signed by nobody. */
export function unsignedToken(): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none', typ: 'JWT' })}.${part({ ...CLAIMS, exp: Math.floor(Date.now() / 1000) + 3_600 })}.`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
