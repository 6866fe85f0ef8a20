import { createHash, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK } from 'jose';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const ID_BYTES = 30;

/**
 * The key id of Docker's libtrust, which Distribution 2 and GitLab's registry know: 240 bits of SHA-256 of the public key, in twelve groups.
 * @see https://distribution.github.io/distribution/spec/auth/jwt/
 */
export function libtrustKeyId(publicKey: KeyObject): string {
  const hash = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, ID_BYTES);
  const bits = [...hash].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = (bits.match(/.{5}/g) ?? []).map((five) => BASE32[Number.parseInt(five, 2)]).join('');
  return (letters.match(/.{4}/g) ?? []).join(':');
}

/**
 * The key id that Distribution 3 knows.
 * @see https://www.rfc-editor.org/rfc/rfc7638
 */
export async function thumbprintKeyId(publicKey: KeyObject): Promise<string> {
  return calculateJwkThumbprint(await exportJWK(publicKey));
}
