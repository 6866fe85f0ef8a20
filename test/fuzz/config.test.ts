import { afterAll, describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadConfig, type Section } from '../../src/config/index.ts';
import { isTwinportError } from '../../src/model/failure.ts';
import { fuzz } from './fuzz.ts';
import { hostileText, near } from './hostile.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SECTIONS: Section[] = ['temporal', 'ledger', 'control', 'webhook', 'worker', 'primary', 'secondaries'];
const PASSWORD = 'planted-PASSWORD-1';

const WHOLE = {
  temporal: { address: 'temporal:7233', namespace: 'mirror', tls: true, apiKey: PASSWORD },
  ledger: { url: `postgres://twinport:${PASSWORD}@db:5432/twinport` },
  control: { url: 'https://twinport.example.com', token: PASSWORD },
  dataDir: 'state',
  webhook: { listen: '127.0.0.1:8080', secret: PASSWORD, secrets: { harbor: PASSWORD, gar: { audience: 'a', email: 'b@c' } } },
  worker: { listen: '127.0.0.1:9090' },
  retention: { inbox: '7d', audit: '365d', history: '90d' },
  primary: {
    name: 'us',
    url: `https://robot:${PASSWORD}@primary.example.com:5050`,
    kind: 'gitlab',
    trust: { tokens: ['auth.example.com'], redirects: ['*.corp.example.com'] },
    api: { url: 'https://gitlab.example.com', token: PASSWORD },
    limits: { transfers: 8, requests: 64, bytesPerSecond: '50MiB' },
  },
  secondaries: [
    {
      name: 'eu',
      url: 'https://registry.eu.example.com',
      kind: 'harbor',
      auth: { type: 'basic', username: 'twinport', password: PASSWORD },
      path: 'mirror/{repository}',
      repositories: { include: ['**'], exclude: ['scratch/**'] },
      tags: { include: ['**'], exclude: ['*-dev'] },
      deletes: { policy: 'guard', confirmAfter: '10m', keep: '7d' },
      create: { public: false },
      backfill: { every: '24h' },
      verify: { every: '7d', depth: 'shallow' },
    },
    { name: 'ap', url: 'https://registry.ap.example.com', auth: { type: 'bearer', token: PASSWORD }, deletes: 'never' },
  ],
};

/** Taken, or refused with a reason that shows no secret which stood where secrets stand. */
function takes(text: string | Uint8Array): void {
  const file = join(folder, 'twinport.yaml');
  writeFileSync(file, text);
  try {
    const config = loadConfig({ file, env: { DOCKER_CONFIG: join(folder, 'none') }, sections: SECTIONS });
    expect(JSON.stringify({ ...config, redact: undefined, ledger: undefined, control: undefined, webhook: undefined })).not.toContain(
      PASSWORD,
    );
  } catch (thrown) {
    if (!isTwinportError(thrown) || thrown.code !== 'CONFIG') throw thrown;
  }
}

describe('a configuration file', () => {
  fuzz('is taken, or refused as a configuration', 9_000, near([WHOLE]), (value) =>
    takes(stringify(value, { aliasDuplicateObjects: false }) ?? ''),
  );

  const written = stringify(WHOLE);
  const damage = fc.array(fc.record({ at: fc.nat({ max: written.length }), drop: fc.nat({ max: 60 }), text: hostileText }), {
    minLength: 1,
    maxLength: 4,
  });
  fuzz('is taken or refused too where the text itself is damaged', 4_000, damage, (all) => {
    takes(all.reduce((text, { at, drop, text: put }) => text.slice(0, at) + put + text.slice(at + drop), written));
  });
});
