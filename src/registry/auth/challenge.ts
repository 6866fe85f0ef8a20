/** One challenge of a `WWW-Authenticate`: names in lower case, values as they came. */
export interface Challenge {
  readonly scheme: string;
  readonly params: Readonly<Record<string, string>>;
}

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const TOKEN68 = /[A-Za-z0-9\-._~+/]+=*(?=\s*(?:,|$))/y;
const SPACE = /\s+/y;
const SEPARATOR = /[\s,]+/y;
const EQUALS = /\s*=\s*/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"?/sy;
const BARE = /[^\s,]*/y;

/**
 * Reads the challenges of a 401: one header may hold several, and there may be several headers.
 * @see https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1
 */
export function parseChallenges(headers: readonly string[]): Challenge[] {
  return headers.flatMap(parseHeader);
}

function parseHeader(text: string): Challenge[] {
  const challenges: { scheme: string; params: Record<string, string> }[] = [];
  let at = 0;
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found;
  };
  while (at < text.length) {
    match(SEPARATOR);
    const name = match(TOKEN)?.[0].toLowerCase();
    if (name === undefined) {
      at += 1; // not what the grammar allows here: look for the next word
      continue;
    }
    const current = challenges.at(-1);
    if (current && match(EQUALS)) {
      const quoted = match(QUOTED);
      const value = quoted ? (quoted[1] ?? '').replace(/\\(.)/gs, '$1') : (match(BARE)?.[0] ?? '');
      // Several `scope`s in one challenge are seen on real servers: together they are what is asked for.
      current.params[name] = name === 'scope' && current.params[name] !== undefined ? `${current.params[name]} ${value}` : value;
      continue;
    }
    challenges.push({ scheme: name, params: {} });
    match(SPACE);
    const start = at;
    // A token68 (as in `Negotiate abc==`) takes the place of parameters; a lone word before a comma may also be the next scheme's.
    if (match(TOKEN68) && !text.slice(start, at).includes('=')) at = start;
  }
  return challenges;
}
