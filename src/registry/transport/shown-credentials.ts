import { strike } from '../../telemetry/index.ts';
import { isRegistryError } from '../errors.ts';

/** What a request showed of ours: the header, the credentials in it, and what those are made of. */
export function shownCredentials(authorization: string | undefined): string[] {
  const value = authorization?.replace(/^\S+\s+/, '');
  if (authorization === undefined || value === undefined || value === '') return [];
  const decoded = /^basic\s/i.test(authorization) ? Buffer.from(value, 'base64').toString() : '';
  return [authorization, value, decoded, decoded.slice(decoded.indexOf(':') + 1)].filter((text) => text !== '');
}

/** Strikes out of an error what the registry may have said after us: whatever it was shown, it may write into its answer. */
export function withoutShown(thrown: unknown, shown: readonly string[]): unknown {
  if (!isRegistryError(thrown) || shown.length === 0) return thrown;
  thrown.message = strike(thrown.message, shown);
  const codes = thrown.codes as string[];
  codes.forEach((code, at) => (codes[at] = strike(code, shown)));
  return thrown;
}

/** A shorter one may be part of a name by chance: `admin` is a password to some, and a repository to others. */
const TELLING = 12;

/** Whether a text holds what we have shown, be it encoded. */
export function holdsShown(text: string, shown: readonly string[]): boolean {
  return (
    strike(
      text,
      shown.filter(({ length }) => length >= TELLING),
    ) !== text
  );
}
