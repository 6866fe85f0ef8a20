import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { loadConfig } from '../../src/config/index.ts';
import type { AuthOptions } from '../../src/registry/endpoint.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-docker-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const login = (name: string) => ({ auth: base64(`${name}:pass:word`) });

/** What the configuration says of a registry, with this Docker configuration. */
function authOf(docker: unknown, host = 'eu.example.com', written = ''): AuthOptions | undefined {
  writeFileSync(join(folder, 'config.json'), typeof docker === 'string' ? docker : JSON.stringify(docker));
  const file = join(folder, 'twinport.yaml');
  writeFileSync(file, `primary: { url: 'https://${host}'${written} }\n`);
  return loadConfig({ file, env: { DOCKER_CONFIG: folder, SOME_TOKEN: 'from-the-environment' }, sections: ['primary'] }).primary?.auth;
}

describe('Docker’s configuration', () => {
  it('gives the credentials of a host for which none are configured', () => {
    expect(authOf({ auths: { 'eu.example.com': login('robot') } })).toMatchObject({
      type: 'basic',
      username: 'robot',
      password: 'pass:word',
    });
    expect(authOf({ auths: { 'eu.example.com': { username: 'u', password: 'p' } } })).toMatchObject({
      type: 'basic',
      username: 'u',
      password: 'p',
    });
    expect(authOf({ auths: { 'other.example.com': login('robot') } })).toMatchObject({ type: 'none' });
    expect(authOf({})).toMatchObject({ type: 'none' });
  });

  it.each([
    ['https://eu.example.com', 'eu.example.com'],
    ['https://eu.example.com/v1/', 'eu.example.com'],
    ['EU.example.com/', 'eu.example.com'],
    ['eu.example.com:443', 'eu.example.com'],
    ['eu.example.com:5000', 'eu.example.com:5000'],
    ['eu.example.com/team', 'eu.example.com'],
    ['https://index.docker.io/v1/', 'registry-1.docker.io'],
    ['docker.io', 'registry-1.docker.io'],
  ])('has the key %s for %s', (key, host) => {
    expect(authOf({ auths: { 'eu.example.org': login('other'), [key]: login('robot') } }, host)).toMatchObject({ username: 'robot' });
  });

  it('prefers the key of the whole host to one of a part', () => {
    const auths = { 'eu.example.com/team': login('team'), 'https://eu.example.com/v2/': login('all'), 'eu.example.com/x': login('x') };
    expect(authOf({ auths })).toMatchObject({ username: 'all' });
  });

  it('may hold an identity token, or a token of the registry itself', () => {
    const user = '00000000-0000-0000-0000-000000000000';
    expect(authOf({ auths: { 'eu.example.com': { auth: base64(`${user}:`), identitytoken: 'id' } } })).toMatchObject({
      type: 'identity-token',
      token: 'id',
      username: user,
    });
    expect(authOf({ auths: { 'eu.example.com': { identitytoken: 'id' } } })).toMatchObject({ type: 'identity-token', token: 'id' });
    expect(authOf({ auths: { 'eu.example.com': { registrytoken: 'rt' } } })).toMatchObject({ type: 'bearer', token: 'rt' });
  });

  it('may name a helper: one for the host beats the one for all, which beats what is written there', () => {
    const auths = { 'eu.example.com': login('robot') };
    const all = { auths, credsStore: 'pass', credHelpers: { 'eu.example.com': 'ecr-login' } };
    const helper = { type: 'docker-helper', serverUrl: 'eu.example.com', file: join(folder, 'config.json') };
    expect(authOf(all)).toMatchObject({ ...helper, helper: 'ecr-login' });
    expect(authOf({ ...all, credHelpers: { 'us.example.com': 'gcloud' } })).toMatchObject({ ...helper, helper: 'pass' });
    expect(authOf({ auths, credHelpers: { 'us.example.com': 'gcloud' } })).toMatchObject({ username: 'robot' });
    expect(authOf(all, 'eu.example.com:5000')).toMatchObject({ helper: 'pass', serverUrl: 'eu.example.com:5000' });
    expect(authOf({ credsStore: 'desktop' }, 'registry-1.docker.io')).toMatchObject({ serverUrl: 'https://index.docker.io/v1/' });
  });

  it('hands the environment to the helper, and shows it to nobody', () => {
    const auth = authOf({ credsStore: 'pass' });
    expect(auth).toMatchObject({ env: { SOME_TOKEN: 'from-the-environment' } });
    expect(`${JSON.stringify(auth)}${inspect(auth)}`).not.toContain('from-the-environment');
  });

  it.each([
    ['{', /found .*config\.json; Docker's configuration must be readable JSON: it is not JSON/],
    [{ auths: [] }, /of the form that Docker writes: its auths is not/],
    [{ auths: { 'eu.example.com': { auth: 5 } } }, /its auths\.eu\.example\.com\.auth is not/],
    [{ credsStore: '../../bin/sh' }, /a credential helper's name has letters, digits, '\.', '_' and '-' alone/],
  ])('is refused as %j', (docker, message) => {
    expect(() => authOf(docker)).toThrow(message);
  });

  it('must have the host where it is asked for by name', () => {
    const asked = ', auth: { type: docker-config }';
    expect(() => authOf({ auths: {} }, 'eu.example.com', asked)).toThrow(
      /primary\.auth: an entry with credentials for eu\.example\.com or a credential helper is needed in .*config\.json/,
    );
    expect(authOf({ credsStore: 'pass' }, 'eu.example.com', asked)).toMatchObject({ type: 'docker-helper' });
    const elsewhere = join(folder, 'elsewhere.json');
    writeFileSync(elsewhere, JSON.stringify({ auths: { 'eu.example.com': login('elsewhere') } }));
    expect(authOf({}, 'eu.example.com', ', auth: { type: docker-config, path: elsewhere.json }')).toMatchObject({ username: 'elsewhere' });
  });
});
