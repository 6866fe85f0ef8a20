/** A shorter secret would strike out half of every line; whoever has one is not helped by hiding it. */
const SHORTEST = 4;
const HIDDEN = '[hidden]';

const known = new Set<string>();
let pattern: RegExp | undefined;

/** Makes values known that may stand in no log line and no message; they are struck out from now on, in this process. */
export function registerSecrets(values: Iterable<string>): void {
  for (const value of values) for (const form of formsOf(value)) known.add(form);
  // The longest first: a secret may be part of another.
  const escaped = [...known].sort((a, b) => b.length - a.length).map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  pattern = escaped.length === 0 ? undefined : new RegExp(escaped.join('|'), 'g');
}

/** A text without the known secrets, and without what looks like credentials: `Authorization`, `Bearer …`, `//user:password@`. */
export function redact(text: string): string {
  const struck = pattern === undefined ? text : text.replaceAll(pattern, HIDDEN);
  return struck
    .replaceAll(/\b(Bearer|Basic) +[\w.~+/=-]{6,}/g, `$1 ${HIDDEN}`)
    .replaceAll(/("?(?:proxy-)?authorization"?\s*[:=]\s*\[?\s*")(?:[^"\\]|\\.)*/gi, `$1${HIDDEN}`)
    .replaceAll(/(\/\/[^/\s:@"]*):[^/\s@"]+@/g, `$1:${HIDDEN}@`);
}

/** A JSON record with every string in it redacted; numbers stay, so that a secret of digits breaks no record. */
export function redactRecord(json: string): Record<string, unknown> {
  return JSON.parse(json, (key, value: unknown) => {
    if (typeof value !== 'string') return value;
    return /^(?:proxy-)?authorization$/i.test(key) ? HIDDEN : redact(value);
  }) as Record<string, unknown>;
}

/** How a secret may be written: as it is, inside JSON, and each long line of it (PEM). */
function formsOf(value: string): string[] {
  const lines = value.split('\n').filter((line) => line.length >= 24 && !line.startsWith('-----'));
  return [value.trim(), JSON.stringify(value.trim()).slice(1, -1), ...lines].filter((form) => form.length >= SHORTEST);
}
