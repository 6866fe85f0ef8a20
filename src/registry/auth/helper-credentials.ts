import { TwinportError } from '../../model/failure.ts';
import type { DockerHelperAuth } from '../endpoint.ts';
import { nameOf, type Peer } from '../errors.ts';
import { renewedCredentials, type Credentials, type CredentialSource } from './credentials.ts';
import { runHelper, type HelperResult } from './run-helper.ts';

/** Helpers do not say how long a password is good; cloud ones keep it for themselves while it is, so that asking again costs little. */
const ASK_AGAIN_MS = 5 * 60_000;
const NOT_FOUND = /credentials not found/i;
const MAX_SAID = 160;

/**
 * Asks one of Docker's credential helpers, `docker-credential-<name> get`: at the first need, every few minutes, and when what it gave is refused.
 * @see https://github.com/docker/docker-credential-helpers#development
 */
export function helperCredentials(peer: Peer, auth: DockerHelperAuth): CredentialSource {
  return renewedCredentials(async () => ({ value: await ask(peer, auth), lifeMs: ASK_AGAIN_MS }));
}

async function ask(peer: Peer, auth: DockerHelperAuth): Promise<Credentials> {
  const program = `docker-credential-${auth.helper}`;
  const result = await runHelper(program, ['get'], auth.serverUrl, auth.env, auth.timeoutMs);
  if (result.ended === 'exited' && result.code === 0)
    return readAnswer(result.stdout) ?? fail(peer, program, 'answered with what is no JSON of Username and Secret');
  if (result.ended === 'exited' && NOT_FOUND.test(result.stdout)) return { type: 'none' };
  if (result.ended === 'missing') {
    throw new TwinportError(
      'CONFIG',
      `${nameOf(peer)}: ${auth.file} asks for the credential helper ${program}, which is not on PATH: install it there, or configure another auth`,
    );
  }
  return fail(peer, program, `${howItEnded(result)} when asked for ${auth.serverUrl}${said(result)}`);
}

function fail(peer: Peer, program: string, what: string): never {
  throw new TwinportError('UNAUTHORIZED', `${nameOf(peer)}: the credential helper ${program} ${what}`);
}

function howItEnded({ ended, code }: HelperResult): string {
  if (ended === 'late') return 'did not answer in time';
  if (ended === 'too-much') return 'said far more than an answer';
  return code === undefined ? 'was killed' : `ended with code ${code}`;
}

/** `Username` `<token>` means that the secret is an identity token. */
function readAnswer(stdout: string): Credentials | undefined {
  let answer: { Username?: unknown; Secret?: unknown } | null;
  try {
    answer = JSON.parse(stdout) as typeof answer;
  } catch {
    return undefined; // told by the caller, without the text: it may hold the secret
  }
  const { Username: username, Secret: secret } = answer ?? {};
  if (typeof username !== 'string' || typeof secret !== 'string') return undefined;
  if (secret === '') return { type: 'none' };
  return username === '<token>' ? { type: 'identity-token', token: secret } : { type: 'password', username, password: secret };
}

/** The first line of its complaint, short; nothing that looks like data: a helper in trouble may show what it holds. */
function said({ stdout, stderr }: HelperResult): string {
  const line = [stdout, stderr]
    .map((text) => text.trim().split('\n', 1)[0] ?? '')
    .find((text) => text !== '' && !/[{}]|[\w+/=-]{32,}/.test(text));
  if (line === undefined) return '';
  return `: ${line.replace(/\p{Cc}+/gu, ' ').slice(0, MAX_SAID)}`;
}
