import { createHmac } from 'node:crypto';

/** A way in which a sender shows that it knows the secret, or that it is who it says. */
export type Proof =
  /** The secret in `Authorization`: bare, after `Bearer`, or as the password of `Basic`. */
  | { readonly by: 'authorization' }
  /** The secret in a header of its own. */
  | { readonly by: 'header'; readonly header: string }
  /** The secret at the end of the URL's path, for a sender that can send no header. */
  | { readonly by: 'path' }
  /** An HMAC-SHA256 of the raw body, hexadecimal, after `prefix`. */
  | { readonly by: 'signature'; readonly header: string; readonly prefix: string }
  /** An OIDC token in `Authorization`, signed by a key of `keySet` (a URL); audience and e-mail are configured. */
  | { readonly by: 'token'; readonly issuers: readonly string[]; readonly keySet: string };

/** The secrets that a request shows, one for each proof that needs no body; none of them has been compared with anything. */
export function shownSecrets(
  proofs: readonly Proof[],
  headers: Readonly<Record<string, string | undefined>>,
  inPath: string | undefined,
): string[] {
  const shown = proofs.flatMap((proof) => {
    if (proof.by === 'authorization') return authorizationSecrets(headers['authorization']);
    if (proof.by === 'header') return [headers[proof.header]];
    return proof.by === 'path' ? [inPath] : [];
  });
  return shown.filter((secret) => secret !== undefined);
}

/** The signature that a request shows, if it looks like one; a body is read for nothing else. */
export function shownSignature(proofs: readonly Proof[], headers: Readonly<Record<string, string | undefined>>): string | undefined {
  for (const proof of proofs) {
    if (proof.by !== 'signature') continue;
    const value = headers[proof.header];
    const hex = value?.startsWith(proof.prefix) === true ? value.slice(proof.prefix.length) : '';
    if (/^[0-9a-f]{64}$/i.test(hex)) return hex.toLowerCase();
  }
  return undefined;
}

/** The signature that the holder of `secret` makes of a body: HMAC-SHA256, hexadecimal. */
export function signatureOf(body: Uint8Array, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}

/** What a sender has to show, in words for its operator. */
export function describeProofs(proofs: readonly Proof[]): string {
  return proofs.map(describeProof).join(', or ');
}

function describeProof(proof: Proof): string {
  switch (proof.by) {
    case 'authorization':
      return 'the Authorization header must be the webhook secret';
    case 'header':
      return `the ${proof.header} header must be the webhook secret`;
    case 'path':
      return "the webhook secret must be the last part of the URL's path";
    case 'signature':
      return `the ${proof.header} header must be ${proof.prefix === '' ? '' : `${proof.prefix} and `}the HMAC-SHA256 of the body under the webhook secret`;
    case 'token':
      return 'the Authorization header must be an OIDC token of the configured audience and e-mail';
  }
}

function authorizationSecrets(header: string | undefined): string[] {
  if (header === undefined) return [];
  const basic = /^basic +([\w+/=-]+)$/i.exec(header)?.[1];
  const password = basic === undefined ? undefined : /^[^:]*:(.*)$/s.exec(Buffer.from(basic, 'base64').toString('utf8'))?.[1];
  return [header, header.replace(/^bearer +/i, ''), ...(password === undefined ? [] : [password])];
}
