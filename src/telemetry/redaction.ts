/** A shorter secret would strike out half of every line; whoever has one is not helped by hiding it. */
const SHORTEST = 4;
const HIDDEN = '[hidden]';
/** Of secrets that are given out for a time, so many are remembered: older ones have ended. */
const PASSING = 200;

const known = new Set<string>();
const passing: string[][] = [];
let pattern: RegExp | undefined;

/** Makes values known that may stand in no log line and no message; they are struck out from now on, in this process. */
export function registerSecrets(values: Iterable<string>): void {
  for (const value of values) for (const form of formsOf(value)) known.add(form);
  remake();
}

/** The same for a secret that ends by itself, such as a cloud's password of some hours: the latest ones are remembered. */
export function registerPassingSecret(value: string): void {
  const forms = formsOf(value).filter((form) => !known.has(form));
  if (forms.length === 0 || passing.some((other) => other[0] === forms[0])) return;
  passing.push(forms);
  if (passing.length > PASSING) passing.shift();
  remake();
}

/** A text without the known secrets, and without what looks like credentials: `Authorization`, `Bearer …`, a JWT, `//user:password@`. */
export function redact(text: string): string {
  const struck = pattern === undefined ? text : text.replaceAll(pattern, HIDDEN);
  return struck
    .replaceAll(/\b(Bearer|Basic) +[\w.~+/=-]{6,}/g, `$1 ${HIDDEN}`)
    .replaceAll(/\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*/g, HIDDEN)
    .replaceAll(/("?(?:proxy-)?authorization"?\s*[:=]\s*\[?\s*")(?:[^"\\]|\\.)*/gi, `$1${HIDDEN}`)
    .replaceAll(/(\/\/[^/\s:@"]*):[^/\s@"]+@/g, `$1:${HIDDEN}@`);
}

/** Strikes secrets out of a text that only the caller knows. */
export function strike(text: string, secrets: Iterable<string>): string {
  const made = patternOf([...secrets].flatMap(formsOf));
  return made === undefined ? text : text.replaceAll(made, HIDDEN);
}

/** A JSON record with every string in it redacted; numbers stay, so that a secret of digits breaks no record. */
export function redactRecord(json: string): Record<string, unknown> {
  return JSON.parse(json, (key, value: unknown) => {
    if (typeof value !== 'string') return value;
    return /^(?:proxy-)?authorization$/i.test(key) ? HIDDEN : redact(value);
  }) as Record<string, unknown>;
}

function remake(): void {
  pattern = patternOf([...known, ...passing.flat()]);
}

function patternOf(forms: readonly string[]): RegExp | undefined {
  if (forms.length === 0) return undefined;
  // The longest first: a secret may be part of another.
  const escaped = [...new Set(forms)].sort((a, b) => b.length - a.length).map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(escaped.join('|'), 'g');
}

/** How a secret may be written: as it is, inside JSON, in a URL or a form, and each long line of it (PEM). */
function formsOf(value: string): string[] {
  const plain = value.trim();
  const lines = value.split('\n').filter((line) => line.length >= 24 && !line.startsWith('-----'));
  const forms = [plain, JSON.stringify(plain).slice(1, -1), ...encodings(plain), ...lines];
  return [...new Set(forms)].filter((form) => form.length >= SHORTEST);
}

function encodings(plain: string): string[] {
  // Half of a surrogate pair cannot be encoded, and is no password that anybody types.
  if (/\p{Cs}/u.test(plain)) return [];
  return [encodeURIComponent(plain), new URLSearchParams({ s: plain }).toString().slice(2)];
}
