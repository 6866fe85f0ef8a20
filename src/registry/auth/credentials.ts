import { registerPassingSecret } from '../../telemetry/index.ts';
import { createTokenCache, type Token } from './token-cache.ts';

/** What is shown to a registry, or to the token service that it names. */
export type Credentials = { readonly type: 'none' } | PasswordCredentials | IdentityToken;

/** A user and a password. */
export interface PasswordCredentials {
  readonly type: 'password';
  readonly username: string;
  readonly password: string;
}

/** What a token service gave at a login, in place of a password: good for tokens, not for the registry itself. */
export interface IdentityToken {
  readonly type: 'identity-token';
  readonly token: string;
  /** For services that know users and passwords alone. */
  readonly username?: string | undefined;
}

/** Where credentials come from. */
export interface CredentialSource {
  /**
   * @param fresh in the first half of their life only
   * @throws {TwinportError} CONFIG, UNAUTHORIZED, UNREACHABLE (whoever gives them out does not)
   */
  get(fresh?: boolean): Promise<Credentials>;
  /**
   * After these were refused.
   * @returns others, or `undefined` if there are none
   */
  instead(refused: Credentials): Promise<Credentials | undefined>;
  /** The token service gave another identity token in place of this one. */
  replaced?(before: IdentityToken, token: string): void;
}

/** The same credentials for ever, but for an identity token that its service replaces. */
export function fixedCredentials(given: Credentials): CredentialSource {
  let current = given;
  return {
    get: async () => current,
    // Another request's answer may have brought a newer identity token meanwhile.
    instead: async (refused) => (current === refused ? undefined : current),
    replaced(before, token) {
      registerPassingSecret(token);
      if (current === before) current = { ...before, token };
    },
  };
}

/** Credentials as new as these would come out no better: whoever refuses them refuses this account. */
const NEW_MS = 1_000;

/** Credentials that somebody gives out for a time: asked for again before its end, and when they are refused. */
export function renewedCredentials(ask: () => Promise<Token<Credentials>>, now: () => number = () => performance.now()): CredentialSource {
  const cache = createTokenCache<Credentials>(now);
  let askedAt = Number.NEGATIVE_INFINITY;
  const get = (fresh = false): Promise<Credentials> =>
    cache.get('', fresh, async () => {
      const given = await ask();
      askedAt = now();
      for (const secret of secretsOf(given.value)) registerPassingSecret(secret);
      return given;
    });
  return {
    get,
    async instead(refused) {
      if (now() - askedAt >= NEW_MS) cache.drop('', refused);
      const current = await get();
      return isSame(current, refused) ? undefined : current;
    },
  };
}

/** The value of `Authorization: Basic …`. */
export function basicHeader({ username, password }: Omit<PasswordCredentials, 'type'>): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
}

function secretsOf(given: Credentials): string[] {
  if (given.type === 'none') return [];
  return given.type === 'password' ? [given.password, basicHeader(given).slice('Basic '.length)] : [given.token];
}

function isSame(a: Credentials, b: Credentials): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
