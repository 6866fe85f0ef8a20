import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares in constant time, whatever the lengths. */
export function sameSecret(given: string | undefined, wanted: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given ?? ''), digest(wanted)) && given !== undefined && wanted !== '';
}

/** The secret of an `Authorization` header: bare, as registries send it, or after `Bearer `. */
export function authorizationSecret(header: string | undefined): string | undefined {
  return header?.replace(/^bearer +/i, '');
}
