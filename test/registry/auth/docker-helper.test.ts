import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../../src/model/digest.ts';
import type { DockerHelperAuth } from '../../../src/registry/endpoint.ts';
import { ping } from '../../../src/registry/ping.ts';
import { listTags } from '../../../src/registry/tags.ts';
import { putBlob, startUpload } from '../../../src/registry/uploads.ts';
import { randomBytes, sha256 } from '../../support/images.ts';
import { quirkProxy, type QuirkProxy } from '../../support/quirk-proxy.ts';
import { testRegistry, TEST_USER } from '../../support/registries.ts';
import { makeKeyPair } from '../support/keys.ts';
import { failureOf, pieces, testSession } from '../support/sessions.ts';
import { ISSUER, SERVICE, tokenServer } from '../support/token-server.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-helper-'));
afterAll(() => rmSync(folder, { recursive: true }));

const LOG = join(folder, 'asked');
const BASIC = { Username: TEST_USER.username, Secret: TEST_USER.password };

/** Puts a real helper on PATH: a shell script that notes each call and then does `body`. */
function helper(body: string): void {
  const file = join(folder, 'docker-credential-test');
  writeFileSync(file, `#!/bin/sh\nread key\necho "$1 $key $EXTRA" >> ${LOG}\n${body}\n`);
  chmodSync(file, 0o755);
}
const says = (answer: unknown): string => `echo '${JSON.stringify(answer)}'`;
const calls = (): string[] => (existsSync(LOG) ? readFileSync(LOG, 'utf8').trimEnd().split('\n') : []);

describe('a credential helper', () => {
  let proxy: QuirkProxy;

  beforeAll(async () => {
    proxy = await quirkProxy((await testRegistry({ version: 3, auth: { type: 'htpasswd', users: [TEST_USER.line] } })).url);
  });
  beforeEach(() => {
    proxy.reset();
    rmSync(LOG, { force: true });
  });
  const auth = (changes: Partial<DockerHelperAuth> = {}): DockerHelperAuth => ({
    type: 'docker-helper',
    helper: 'test',
    serverUrl: 'registry.example.com:5000',
    env: { PATH: `${folder}:/usr/bin:/bin`, EXTRA: 'from-outside' },
    file: '/etc/docker/config.json',
    ...changes,
  });
  const open = (changes: Partial<DockerHelperAuth> = {}, url = proxy.url) => testSession(url, { auth: auth(changes) });

  it('is run once for many requests, in the environment that it was given', async () => {
    helper(says(BASIC));
    const session = open();
    await Promise.all([ping(session), listTags(session, 'a/b'), listTags(session, 'c/d')]);
    expect(calls()).toEqual(['get registry.example.com:5000 from-outside']);
  });

  it('is not run for a registry that asks for nothing', async () => {
    helper(says(BASIC));
    proxy.rules.push({ answer: { status: 200, body: '{}' } });
    await ping(open());
    expect(calls()).toEqual([]);
  });

  it('is run again when its password is no longer taken, also for a body that can be sent only once', async () => {
    // The first password has ended: a helper of a cloud gives a new one when asked again.
    helper(`if [ -e ${join(folder, 'ended')} ]; then ${says(BASIC)}; else ${says({ ...BASIC, Secret: 'old' })}; fi`);
    const session = open();
    proxy.rules.push({ when: ({ headers }) => headers.authorization === basic('old'), times: 2, answer: { status: 200, body: '{}' } });
    await ping(session);
    expect(calls()).toHaveLength(1);
    writeFileSync(join(folder, 'ended'), '');
    await new Promise((go) => setTimeout(go, 1_100));
    const bytes = randomBytes('helper', 1_000);
    const blob = { mediaType: '', digest: sha256(bytes) as Digest, size: bytes.length };
    proxy.rules.length = 0;
    await putBlob(session, await startUpload(session, 'a/b'), 'a/b', blob, pieces(bytes));
    expect(calls()).toHaveLength(2);
  });

  it('is not run without end where its password is wrong', async () => {
    helper(says({ ...BASIC, Secret: 'wrong-secret' }));
    const session = open();
    const failures = [await failureOf(ping(session)), await failureOf(listTags(session, 'a/b'))];
    expect(failures.map(({ code }) => code)).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED']);
    expect(failures.map(({ message }) => message).join()).not.toContain('wrong-secret');
    expect(calls()).toHaveLength(1);
  });

  it('may know nothing of the host: then the way is an anonymous one', async () => {
    helper('echo "credentials not found in native keychain"; exit 1');
    expect(await failureOf(ping(open()))).toMatchObject({ code: 'UNAUTHORIZED', status: 401 });
    expect(proxy.seen.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('may give an identity token', async () => {
    const pair = makeKeyPair('rsa');
    const service = await tokenServer(pair);
    Object.assign(service.rules, { login: 'nobody:comes', identity: 'identity-1' });
    const token = { type: 'token', realm: `${service.url}/token`, service: SERVICE, issuer: ISSUER, certificate: pair.cert } as const;
    helper(says({ Username: '<token>', Secret: 'identity-1' }));
    expect(await listTags(open({}, (await testRegistry({ version: 3, auth: token })).url), 'a/b')).toBeUndefined();
    expect(service.requests).toMatchObject([{ method: 'POST' }]);
  });

  it('has its place said where it is missing', async () => {
    expect(await failureOf(ping(open({ helper: 'nowhere' })))).toMatchObject({
      code: 'CONFIG',
      message: expect.stringMatching(
        /\/etc\/docker\/config\.json asks for the credential helper docker-credential-nowhere, which is not on PATH/,
      ),
    });
  });

  it.each([
    [
      'ends with an error',
      'echo "no AWS credentials: $EXTRA" >&2; exit 2',
      /ended with code 2 when asked for .*: no AWS credentials: from-outside$/,
    ],
    [
      'shows what it holds',
      'echo \'{"Secret":"s3cret-value"}\' >&2; exit 1',
      /ended with code 1 when asked for registry\.example\.com:5000$/,
    ],
    [
      'says a token',
      'echo "bad token AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"; exit 1',
      /ended with code 1 when asked for registry\.example\.com:5000$/,
    ],
    ['answers nonsense', 'echo "s3cret-value"', /answered with what is no JSON of Username and Secret$/],
    ['hangs', 'exec sleep 30', /did not answer in time/],
    ['talks without end', 'exec yes', /said far more than an answer/],
  ])('that %s is told of, without what it said', async (what, body, message) => {
    helper(body);
    const failure = await failureOf(ping(open(what === 'hangs' ? { timeoutMs: 2_000 } : {})));
    expect(failure).toMatchObject({ code: 'UNAUTHORIZED', retry: 'later', message: expect.stringMatching(message) });
    expect(failure.message).not.toContain('s3cret-value');
  });
});

function basic(password: string): string {
  return `Basic ${Buffer.from(`${TEST_USER.username}:${password}`).toString('base64')}`;
}
