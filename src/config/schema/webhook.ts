import { z } from 'zod';
import { eventSources, type EventSource } from '../../events/index.ts';
import type { SenderToken } from '../twinport-config.ts';
import { listenAddress, parsed, section, text } from './fields.ts';

/** What is written of one sender. */
export interface SenderSettings {
  readonly secret?: string | undefined;
  readonly token?: SenderToken;
  readonly naming?: string | undefined;
}

/** GitLab's rule for its notification secret, which other senders' secrets keep to easily. */
const secret = text('a secret, as ${NAME} or { file: PATH },');

const keySet = parsed(
  (value) => (typeof value === 'string' && isKeySet(value) ? value : undefined),
  "the https URL of the issuer's key set is needed; leave the key out for the usual one",
);

/** Keys that come over a line that anybody may change prove nothing. */
function isKeySet(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname, username } = new URL(value);
  return username === '' && (protocol === 'https:' || (protocol === 'http:' && /^(?:127\.0\.0\.1|localhost|\[::1\])$/.test(hostname)));
}

const naming = parsed(
  (value) => (typeof value === 'string' && isNaming(value) ? value : undefined),
  'a repository name with {image} in it, once, and {repo} at most once, is needed, such as {repo}/{image}',
);

function isNaming(value: string): boolean {
  const times = (word: string): number => value.split(word).length - 1;
  const rest = value.replace('{image}', 'i').replace('{repo}', 'r');
  return times('{image}') === 1 && times('{repo}') <= 1 && /^[a-z0-9._-]+(?:\/[a-z0-9._-]+)*$/.test(rest);
}

const plain = secret.transform((value): SenderSettings => ({ secret: value }));

const named = z
  .preprocess(
    (value) => (typeof value === 'string' ? { secret: value } : value),
    section({ secret: secret.optional(), repository: naming.optional() }),
  )
  .transform((written): SenderSettings => ({ secret: written.secret, naming: written.repository }));

const identified = section({
  audience: text("the tokens' audience, as the push subscription's,"),
  email: text('the e-mail of the service account that the push subscription acts as,'),
  jwks: keySet.optional(),
}).transform(({ audience, email, jwks }): SenderSettings => ({
  token: { audience, email, ...(jwks === undefined ? {} : { keySet: jwks }) },
}));

/** What a sender's settings look like follows from how it proves itself. */
function settingsOf(source: EventSource): z.ZodType<SenderSettings> {
  if (source.proofs.some(({ by }) => by === 'token')) return identified;
  return source.naming === undefined ? plain : named;
}

const senders = Object.fromEntries(Object.values(eventSources).map((source) => [source.name, settingsOf(source).optional()]));

/** Where events come in. */
export const webhook = section({
  listen: listenAddress.default('127.0.0.1:8080'),
  secret: secret.optional(),
  secrets: section(senders).default({}),
});
