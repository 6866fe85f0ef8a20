import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Digest } from '../../../src/model/digest.ts';
import type { AuthOptions } from '../../../src/registry/endpoint.ts';
import { headManifest } from '../../../src/registry/manifests.ts';
import { ping } from '../../../src/registry/ping.ts';
import { listTags } from '../../../src/registry/tags.ts';
import { putBlob, startUpload } from '../../../src/registry/uploads.ts';
import { acrFake, type AcrFake } from '../../support/clouds/acr.ts';
import { ecrFake, type EcrFake } from '../../support/clouds/ecr.ts';
import { garFake, type GarFake } from '../../support/clouds/gar.ts';
import { pushImage, randomBytes, sha256 } from '../../support/images.ts';
import { cell } from '../../support/matrix.ts';
import { testRegistry } from '../../support/registries.ts';
import { failureOf, pieces, testSession } from '../support/sessions.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-clouds-'));
const before = { ...process.env };
let upstream: string;
let digest: string;

beforeAll(async () => {
  upstream = (await testRegistry({ version: 3 })).url;
  ({ digest } = await pushImage(upstream, 'team/app', 'v1'));
});
afterAll(() => {
  process.env = before;
  rmSync(folder, { recursive: true });
});

/** The SDKs read the environment themselves. */
function environment(env: Readonly<Record<string, string>>): void {
  process.env = {
    PATH: before['PATH'],
    HOME: folder,
    AWS_EC2_METADATA_DISABLED: 'true',
    METADATA_SERVER_DETECTION: 'assume-present',
    ...env,
  };
}

async function push(url: string, auth: AuthOptions, name: string): Promise<void> {
  const bytes = randomBytes(name, 2_000);
  const session = testSession(url, { auth });
  const blob = { mediaType: '', digest: sha256(bytes) as Digest, size: bytes.length };
  await putBlob(session, await startUpload(session, 'team/app'), 'team/app', blob, pieces(bytes));
}

describe('auth: acr', () => {
  let fake: AcrFake;
  beforeAll(async () => {
    fake = await acrFake(upstream, 3600);
  });
  const auth: AuthOptions = { type: 'acr', credential: 'managed-identity' };

  it('says what lacks: an identity, or a registry of Azure', async () => {
    environment(fake.env);
    expect(await failureOf(ping(testSession(fake.url, { auth: { ...auth, audience: 'https://another.example.com' } })))).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/an access token of Entra ID \(managed-identity\): .+/),
    });
    environment({});
    const none = await failureOf(ping(testSession(fake.url, { auth: { type: 'acr', credential: 'environment' } })));
    expect(none).toMatchObject({ code: 'UNAUTHORIZED', message: expect.stringMatching(/EnvironmentCredential/) });
    environment(fake.env);
    const gar = await garFake(upstream, 3600);
    expect(await failureOf(ping(testSession(gar.url, { auth })))).toMatchObject({ code: expect.stringMatching(/PROTOCOL|UNAUTHORIZED/) });
  });

  it('exchanges a token of Entra ID for one of the registry, and that for one a repository', async () => {
    environment(fake.env);
    const session = testSession(fake.url, { auth });
    expect(await headManifest(session, 'team/app', 'v1')).toMatchObject({ digest });
    expect(await listTags(session, 'team/app')).toEqual(['v1']);
    expect(await listTags(session, 'team/none')).toBeUndefined();
    expect([fake.entra.given, fake.refresh.given, fake.access.given]).toEqual([1, 1, 2]);
    await push(fake.url, auth, 'acr');
  });

  it('lives through the end of each of them', async () => {
    environment(fake.env);
    Object.assign(fake.access, { lifeSeconds: 1 });
    Object.assign(fake.refresh, { lifeSeconds: 2 });
    const session = testSession(fake.url, { auth });
    const from = fake.refresh.given;
    for (let round = 0; round < 12; round += 1, await sleep(250)) expect(await listTags(session, 'team/app')).toEqual(['v1']);
    expect(fake.refresh.given - from).toBeGreaterThanOrEqual(2);
    cell('acr', 'auth');
    Object.assign(fake.access, { lifeSeconds: 3600 });
    Object.assign(fake.refresh, { lifeSeconds: 3600 });
  });

  it('comes in by a password as well: the identity token with the user of zeros', async () => {
    const { value } = fake.refresh.give(['refresh']);
    const password: AuthOptions = { type: 'basic', username: '00000000-0000-0000-0000-000000000000', password: value };
    expect(await listTags(testSession(fake.url, { auth: password }), 'team/app')).toEqual(['v1']);
  });
});

describe('auth: ecr', () => {
  let fake: EcrFake;
  beforeAll(async () => {
    fake = await ecrFake(upstream, 12 * 3600);
    fake.repositories.set('team/app', {});
  });
  const auth: AuthOptions = { type: 'ecr', region: 'eu-west-1' };
  const open = (given: AuthOptions = auth) => testSession(fake.url, { auth: given, api: { url: fake.url } });

  it('gets a password by the API, for all repositories', async () => {
    environment(fake.env);
    const session = open();
    expect(await listTags(session, 'team/app')).toEqual(['v1']);
    expect(await headManifest(session, 'team/app', 'v1')).toMatchObject({ digest });
    expect(fake.calls.map(({ operation }) => operation)).toEqual(['GetAuthorizationToken']);
  });

  it('asks again before the end, and when the registry says 403 to a password that ended before it should', async () => {
    environment(fake.env);
    const session = open();
    Object.assign(fake.tokens, { lifeSeconds: 1 });
    fake.claimedSeconds = 12 * 3600;
    expect(await listTags(session, 'team/app')).toEqual(['v1']);
    await sleep(1_100);
    expect(await listTags(session, 'team/app')).toEqual(['v1']);
    await sleep(1_100);
    const bytes = randomBytes('ecr', 2_000);
    const blob = { mediaType: '', digest: sha256(bytes) as Digest, size: bytes.length };
    const upload = await startUpload(session, 'team/app');
    await sleep(1_100);
    // The bytes of a stream are gone: the next attempt has a good password.
    expect(await failureOf(putBlob(session, upload, 'team/app', blob, pieces(bytes)))).toMatchObject({
      code: 'UNAUTHORIZED',
      retry: 'now',
    });
    await putBlob(session, upload, 'team/app', blob, pieces(bytes));
    Object.assign(fake, { claimedSeconds: undefined });
    cell('ecr', 'auth');
    Object.assign(fake.tokens, { lifeSeconds: 12 * 3600 });
  });

  it('says what lacks: credentials, a right, or a region', async () => {
    environment({ AWS_ACCESS_KEY_ID: 'AKIATEST', AWS_SECRET_ACCESS_KEY: 'test-secret' });
    fake.denied.add('GetAuthorizationToken');
    const denied = await failureOf(ping(open()));
    expect(denied).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/AccessDeniedException: .*not authorized to perform: ecr:GetAuthorizationToken/),
    });
    expect(denied.message).not.toContain('test-secret');
    fake.denied.clear();
    expect(await failureOf(ping(open({ type: 'ecr' })))).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/Region is missing/),
    });
    environment({});
    expect(await failureOf(ping(open()))).toMatchObject({ code: 'UNAUTHORIZED', message: expect.stringMatching(/credentials/i) });
  });
});

describe('auth: gar', () => {
  let fake: GarFake;
  beforeAll(async () => {
    fake = await garFake(upstream, 3600);
  });

  it('takes the access token of the machine that it runs on', async () => {
    environment(fake.env);
    const session = testSession(fake.url, { auth: { type: 'gar' } });
    expect(await listTags(session, 'team/app')).toEqual(['v1']);
    expect(await headManifest(session, 'team/app', 'v1')).toMatchObject({ digest });
    expect([fake.google.given, fake.registry.given]).toEqual([1, 1]);
    await push(fake.url, { type: 'gar' }, 'gar');
  });

  it('takes the one of a workload elsewhere, by its credential configuration', async () => {
    environment({});
    const [keyFile, tokenFile] = [join(folder, 'key.json'), join(folder, 'token')];
    writeFileSync(keyFile, fake.keyFile(tokenFile));
    writeFileSync(tokenFile, fake.subjectToken);
    expect(await listTags(testSession(fake.url, { auth: { type: 'gar', keyFile } }), 'team/app')).toEqual(['v1']);
    writeFileSync(tokenFile, 'another');
    expect(await failureOf(ping(testSession(fake.url, { auth: { type: 'gar', keyFile } })))).toMatchObject({
      code: 'UNAUTHORIZED',
      message: expect.stringMatching(/an access token of Google's: .*(?:invalid_grant|rejected)/),
    });
  });

  it('lives through the end of each of them', async () => {
    environment(fake.env);
    Object.assign(fake.registry, { lifeSeconds: 1 });
    Object.assign(fake.google, { lifeSeconds: 2 });
    const session = testSession(fake.url, { auth: { type: 'gar' } });
    const from = fake.google.given;
    for (let round = 0; round < 12; round += 1, await sleep(250)) expect(await listTags(session, 'team/app')).toEqual(['v1']);
    expect(fake.google.given - from).toBeGreaterThanOrEqual(2);
    cell('gar', 'auth');
  });
});
