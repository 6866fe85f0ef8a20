import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { loadConfig, type LoadOptions, type Section } from '../../src/config/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'twinport-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ALL: Section[] = ['temporal', 'ledger', 'control', 'webhook', 'worker', 'telemetry', 'primary', 'secondaries'];
/** No Docker configuration of the person who runs the tests may matter. */
const NO_DOCKER = { DOCKER_CONFIG: join(folder, 'no-docker') };

function load(yaml: string, env: NodeJS.ProcessEnv = {}, sections: Section[] = ALL, more: Partial<LoadOptions> = {}) {
  const file = join(folder, 'twinport.yaml');
  writeFileSync(file, yaml);
  return loadConfig({ file, env: { ...NO_DOCKER, ...env }, sections, ...more });
}

function problems(yaml: string, env: NodeJS.ProcessEnv = {}, sections: Section[] = ALL): string {
  try {
    load(yaml, env, sections);
  } catch (error) {
    expect(error).toMatchObject({ code: 'CONFIG' });
    return (error as Error).message;
  }
  throw new Error('the configuration was taken');
}

const SMALL = `
primary: { url: https://primary.example.com }
secondaries:
  - { name: eu, url: https://eu.example.com }
`;

describe('where traces go', () => {
  const ENV = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };

  it.each([
    ['nowhere', '', {}, undefined],
    ['where OpenTelemetry’s own variable says', '', ENV, 'http://127.0.0.1:4318/v1/traces'],
    [
      'where the file says, whatever the variable',
      'telemetry: { otlp: https://otlp.example.com/in/ }',
      ENV,
      'https://otlp.example.com/in/v1/traces',
    ],
    ['at the address itself, if it is of traces', 'telemetry: { otlp: http://c:4318/v1/traces }', {}, 'http://c:4318/v1/traces'],
  ])('%s', (_name, yaml, env, traces) => {
    expect(load(SMALL + yaml, env).telemetry?.traces).toBe(traces);
  });

  it('is an address without a password, which is not repeated', () => {
    expect(problems(`${SMALL}telemetry: { otlp: 'http://me:s3cret@c:4318' }`)).toMatch(
      /telemetry\.otlp: found "http:\/\/…@c:4318"; the address/,
    );
    expect(problems(SMALL, { OTEL_EXPORTER_OTLP_ENDPOINT: 'c:4317' })).toMatch(/telemetry\.otlp: .*OTLP collector/);
  });
});

describe('a configuration file', () => {
  it('needs a primary and a secondary, and has defaults for all else', () => {
    const config = load(SMALL);
    expect(config).toMatchObject({
      dataDir: join(folder, '.twinport'),
      control: {},
      webhook: { listen: '127.0.0.1:8080', secrets: {} },
      primary: { name: 'primary', side: 'primary', url: 'https://primary.example.com', kind: 'oci', auth: { type: 'none' } },
    });
    expect(config.temporal).toBeUndefined();
    expect(config.ledger).toBeUndefined();
    expect(config.secondaries[0]).toMatchObject({
      name: 'eu',
      endpoint: { name: 'eu', side: 'secondary', limits: { transfers: 8, requests: 64 } },
      backfill: { everyMs: 86_400_000 },
      policy: {
        site: 'eu',
        epoch: 1,
        path: '{repository}',
        repositories: { include: ['**'], exclude: [] },
        tags: { include: ['**'], exclude: [] },
        deletes: { policy: 'guard', confirmAfterMs: 600_000 },
        verify: { everyMs: 7 * 86_400_000, depth: 'shallow' },
      },
    });
  });

  it('is taken whole, as the documentation shows it', () => {
    mkdirSync(join(folder, 'keys'), { recursive: true });
    writeFileSync(join(folder, 'keys/registry.key'), '-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n');
    writeFileSync(join(folder, 'keys/ca.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n');
    writeFileSync(join(folder, 'keys/webhook'), 'geoSecret1\n');
    const config = load(
      `
temporal: { address: 'temporal:7233', namespace: mirror, tls: { caFile: keys/ca.pem, serverName: t.example.com }, apiKey: '\${TEMPORAL_API_KEY}' }
ledger: { url: '\${DATABASE_URL}' }
control: { url: https://twinport.example.com/, token: '\${TWINPORT_TOKEN}' }
dataDir: data
webhook: { listen: 0.0.0.0:8080, secret: { file: keys/webhook }, secrets: { gitlab: '\${GITLAB_SECRET}' } }
worker: { listen: 127.0.0.1:9100 }
retention: { audit: 30d }
primary:
  name: us
  url: https://primary.example.com:5050
  kind: distribution
  auth: { type: token-key, keyFile: keys/registry.key, issuer: omnibus-gitlab-issuer, service: container_registry }
  tls: { caFile: keys/ca.pem }
secondaries:
  - name: eu
    url: https://registry.eu.example.com
    kind: oci
    auth: { type: basic, username: twinport, password: '\${EU_PASSWORD}' }
    path: 'mirror/{repository}'
    repositories: { include: ['**'], exclude: ['scratch/**'] }
    tags: { exclude: ['*-dev'] }
    deletes: { policy: mirror, confirmAfter: 1h30m, keep: 0 }
    limits: { transfers: 4, requests: '\${REQUESTS}', bytesPerSecond: 50MiB }
    backfill: { every: 12h }
    verify: { every: 30d, depth: deep }
    foreignLayers: copy
    untagged: all
`,
      {
        TEMPORAL_API_KEY: 'key-1',
        DATABASE_URL: 'postgres://u:p%40ss@db/twinport',
        TWINPORT_TOKEN: 'token-1',
        GITLAB_SECRET: 'gitlab-1',
        EU_PASSWORD: 'pass-1',
        REQUESTS: '16',
      },
    );
    expect(config).toMatchObject({
      dataDir: join(folder, 'data'),
      temporal: { address: 'temporal:7233', namespace: 'mirror', apiKey: 'key-1', tls: { serverNameOverride: 't.example.com' } },
      ledger: { url: 'postgres://u:p%40ss@db/twinport' },
      control: { url: 'https://twinport.example.com', token: 'token-1' },
      webhook: { listen: '0.0.0.0:8080', secret: 'geoSecret1', secrets: { gitlab: 'gitlab-1' } },
      worker: { listen: '127.0.0.1:9100' },
      retention: { inboxMs: 7 * 86_400_000, auditMs: 30 * 86_400_000 },
      primary: {
        name: 'us',
        kind: 'distribution',
        auth: { type: 'token-key', key: expect.stringContaining('BEGIN RSA'), issuer: 'omnibus-gitlab-issuer' },
      },
    });
    const [site] = config.secondaries;
    expect(site?.primary).toEqual(config.primary);
    expect(site?.limits).toEqual({ transfers: 4, requests: 16, bytesPerSecond: 50 * 1024 * 1024 });
    expect(site?.endpoint.auth).toMatchObject({ type: 'basic', username: 'twinport', password: 'pass-1' });
    expect(site?.policy).toMatchObject({ deletes: { policy: 'mirror', confirmAfterMs: 5_400_000, keepMs: 0 }, verify: { depth: 'deep' } });
    expect(site?.policy).toMatchObject({ foreignLayers: 'copy', untagged: 'all' });
    const secrets = ['key-1', 'token-1', 'geoSecret1', 'gitlab-1', 'p@ss', 'pass-1'];
    expect(config.redact).toEqual(expect.arrayContaining(secrets));
    for (const shown of [JSON.stringify(config.secondaries), inspect(config.secondaries, { depth: 9 }), JSON.stringify(config.temporal)]) {
      expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
    }
    expect(Object.keys(config)).not.toContain('redact');
  });

  it('gives scans that never end a budget of requests', () => {
    const backfill = (written: string) =>
      load(SMALL.replace('eu.example.com }', `eu.example.com, backfill: ${written} }`)).secondaries[0]?.backfill;
    expect(backfill('{ every: continuous }')).toEqual({ everyMs: 60_000, requestsPerSecond: 50 });
    expect(backfill('{ every: continuous, requestsPerSecond: 7 }')).toEqual({ everyMs: 60_000, requestsPerSecond: 7 });
    expect(backfill('{ every: 2h, requestsPerSecond: 300 }')).toEqual({ everyMs: 7_200_000, requestsPerSecond: 300 });
    expect(backfill('{ every: 2h }')).toEqual({ everyMs: 7_200_000 });
  });

  it('has a canary with credentials of its own, for who receives events and for nobody else', () => {
    const yaml = SMALL.replace(
      'primary.example.com }',
      "primary.example.com, auth: { type: bearer, token: '${PULL}' }, canary: { every: 1m, auth: { type: bearer, token: '${PUSH}' } } }",
    );
    const starter = load(yaml, { PUSH: 'push-token' }, ['webhook', 'policies']);
    expect(starter.canary).toMatchObject({ repository: 'twinport/canary', everyMs: 60_000, endpoint: { auth: { token: 'push-token' } } });
    expect(starter.redact).toContain('push-token');
    const worker = load(yaml, { PULL: 'pull-token' }, [{ site: 'eu' }]);
    expect(worker.canary).toBeUndefined();
    expect(worker.secondaries[0]?.primary.auth).toMatchObject({ token: 'pull-token' });
    const own = SMALL.replace('primary.example.com }', 'primary.example.com, canary: {} }');
    expect(load(own, {}, ['webhook', 'policies']).canary).toMatchObject({ everyMs: 300_000 });
    const wrong = SMALL.replace('primary.example.com }', 'primary.example.com, canary: { repository: team/app, evry: 1m } }');
    expect(problems(wrong)).toMatch(/primary\.canary\.repository: found "team\/app"; a repository below twinport\//);
    expect(problems(wrong)).toMatch(/primary\.canary\.evry: .*did you mean every/);
  });

  it('takes the short form of deletes', () => {
    const [site] = load(
      `primary: { url: https://p.example.com }\nsecondaries: [{ name: eu, url: https://eu.example.com, deletes: never }]`,
    ).secondaries;
    expect(site?.policy.deletes).toEqual({ policy: 'never', confirmAfterMs: 600_000 });
  });

  it('has a revision that changes with the policy alone, and a fingerprint that changes with the mirror alone', () => {
    const site = (more = '', url = 'https://eu.example.com') => {
      const [only] = load(`primary: { url: https://p.example.com }\nsecondaries: [{ name: eu, url: ${url}${more} }]`).secondaries;
      return [only?.policy.revision, only?.fingerprint];
    };
    const [revision, fingerprint] = site();
    expect(revision).toMatch(/^[0-9a-f]{12}$/);
    expect(site(', limits: { transfers: 2 }')).toEqual([revision, fingerprint]);
    expect(site(", tags: { exclude: ['x'] }")).toEqual([expect.not.stringMatching(String(revision)), fingerprint]);
    expect(site(', foreignLayers: skip, untagged: none')).toEqual([revision, fingerprint]);
    expect(site(', foreignLayers: copy')[0]).not.toBe(revision);
    expect(site('', 'https://other.example.com')).toEqual([revision, expect.not.stringMatching(String(fingerprint))]);
    expect(site(", path: 'm/{repository}'")[1]).not.toBe(fingerprint);
  });
});

describe('only the sections that are used are resolved', () => {
  const yaml = `
temporal: { address: 'temporal:7233' }
ledger: { url: '\${DATABASE_URL}' }
webhook: { secret: '\${SECRET}' }
primary: { url: https://p.example.com, auth: { type: bearer, token: '\${P_TOKEN}' } }
secondaries:
  - { name: eu, url: https://eu.example.com, auth: { type: basic, username: u, password: '\${EU_PASSWORD}' } }
  - { name: asia, url: https://asia.example.com, auth: { type: basic, username: u, password: '\${ASIA_PASSWORD}' } }
`;
  it('a worker needs no other site’s password and no database', () => {
    const config = load(yaml, { EU_PASSWORD: 'e', P_TOKEN: 'p' }, ['temporal', { site: 'eu' }]);
    expect(config.secondaries.map((site) => site.name)).toEqual(['eu']);
    expect(config.ledger).toBeUndefined();
  });

  it('the control side needs no credentials of registries', () => {
    const config = load(yaml, { DATABASE_URL: 'postgres://db/t', SECRET: 's' }, ['temporal', 'ledger', 'webhook', 'policies']);
    expect(config.secondaries.map((site) => site.endpoint.auth)).toEqual([{ type: 'none' }, { type: 'none' }]);
    const own = load(yaml, { EU_PASSWORD: 'e', P_TOKEN: 'p' }, [{ site: 'eu' }]).secondaries[0];
    expect([config.secondaries[0]?.fingerprint, config.secondaries[0]?.policy]).toEqual([own?.fingerprint, own?.policy]);
  });

  it('a site that is not there is told, with those that are', () => {
    expect(problems(yaml, { P_TOKEN: 'p' }, [{ site: 'us' }])).toMatch(/secondaries: there is no site "us"; there is eu, asia/);
  });
});

describe('what does not fit is told with path, find and remedy', () => {
  const secondary = (keys: string) =>
    `primary: { url: https://p.example.com }\nsecondaries: [{ name: eu, url: https://eu.example.com, ${keys} }]`;
  it.each<[string, string, RegExp]>([
    ['an unknown key at the root', `${SMALL}\nsecondarys: []`, /^ {2}secondarys: there is no such key here: did you mean secondaries\?/m],
    ['an unknown key in a site', secondary('pasword: x'), /^ {2}secondaries\[0\]\.pasword: there is no such key here/m],
    ['an unknown key near a known one', secondary('tag: {}'), /secondaries\[0\]\.tag: .*did you mean tags\?/],
    [
      'a bad number',
      secondary('limits: { transfers: many }'),
      /secondaries\[0\]\.limits\.transfers: found "many"; a whole number from 1 to 1000 is needed/,
    ],
    [
      'a bad duration',
      secondary('backfill: { every: 10 minutes }'),
      /secondaries\[0\]\.backfill\.every: found "10 minutes"; continuous, or a duration .*30m/,
    ],
    ['a bad size', secondary('limits: { bytesPerSecond: fast }'), /bytesPerSecond: found "fast"; a size is needed, such as 50MiB/],
    [
      'a bad short form',
      secondary('deletes: gaurd'),
      /secondaries\[0\]\.deletes\.policy: found "gaurd"; one of guard \| mirror \| never is needed: did you mean guard\?/,
    ],
    ['no kind', secondary('kind: hrbr'), /kind: found "hrbr"; one of oci \| distribution .*is needed: did you mean harbor\?/],
    [
      'an auth without password',
      secondary('auth: { type: basic, username: u }'),
      /auth\.password: found nothing; a password, as \$\{NAME\} or \{ file: PATH \}, is needed/,
    ],
    [
      'a number for a password',
      secondary('auth: { type: basic, username: u, password: 31415926 }'),
      /auth\.password: found a number \(not shown\); .*put it in quotes/,
    ],
    [
      'a number for a client secret',
      secondary('auth: { type: acr, tenantId: t, clientId: c, clientSecret: 31415926 }'),
      /auth\.clientSecret: found a number \(not shown\); .*put it in quotes/,
    ],
    [
      'a missing variable',
      secondary('auth: { type: bearer, token: "${NOPE}" }'),
      /auth\.token: found \$\{NOPE\}; the environment variable NOPE is not set/,
    ],
    [
      'a missing file',
      secondary('auth: { type: bearer, token: { file: nope } }'),
      /auth\.token: found "nope"; a readable file is needed; .*\/nope cannot be read \(ENOENT\)/,
    ],
    ['a path without {repository}', secondary('path: mirror'), /path: found "mirror"; a repository name with \{repository\}/],
    ['no list of secondaries', 'primary: { url: https://p.example.com }', /secondaries: found nothing; a list of at least one secondary/],
    ['no primary', 'secondaries: [{ name: eu, url: https://eu.example.com }]', /primary: found nothing; a section with the keys name, url/],
    ['a reserved name', SMALL.replace('eu,', 'primary,'), /secondaries\[0\]\.name: found "primary"; a name of at most 40/],
    ['a name with capitals', SMALL.replace('eu,', 'EU,'), /secondaries\[0\]\.name: found "EU"/],
    [
      'a name twice',
      `${SMALL}  - { name: eu, url: https://b.example.com }`,
      /secondaries\[1\]\.name: found "eu"; .*secondaries\[0\] has this one/,
    ],
    [
      'an URL of another scheme',
      SMALL.replace('https://eu', 'ftp://eu'),
      /secondaries\[0\]\.url: found "ftp:.*the URL of a registry is needed/,
    ],
    ['no YAML', 'primary: { url: ', /this is not YAML/],
    ['a key twice', 'primary: {}\nprimary: {}', /this is not YAML: .*unique/],
  ])('%s', (_, yaml, message) => {
    expect(problems(yaml)).toMatch(message);
  });

  it('tells all at once, and no secret', () => {
    const message = problems(
      `
ledger: { url: '\${DB}' }
primary: { url: 'ftp://user:hunter2@p.example.com' }
secondaries: [{ name: eu, url: https://eu.example.com, limits: { transfers: 0 }, tagz: {} }]`,
      { DB: 'mysql://u:s3cret@db' },
    );
    expect(message.split('\n')).toHaveLength(1 + 4);
    expect(message).toMatch(/ledger\.url: found the value of \$\{DB\} \(not shown\)/);
    expect(message).not.toMatch(/s3cret|hunter2/);
  });

  it('tells a certificate in the place of a key', () => {
    writeFileSync(join(folder, 'cert.pem'), '-----BEGIN CERTIFICATE-----\n');
    const auth = 'auth: { type: token-key, keyFile: cert.pem, issuer: i, service: s }';
    expect(problems(secondary(auth))).toMatch(/auth\.keyFile: found "cert\.pem"; a PEM file with a block BEGIN PRIVATE KEY is needed/);
  });
});

describe('one registry as primary and secondary', () => {
  const same = (keys: string) => `primary: { url: 'http://127.0.0.1:5000' }\nsecondaries: [{ name: eu, url: '127.0.0.1:5000'${keys} }]`;
  it.each([
    ['as it is', ''],
    ['with a path alone', ", path: 'mirror/{repository}'"],
    ['with an exclusion that leaves depths out', ", path: 'mirror/{repository}', repositories: { exclude: ['mirror/*'] }"],
    ['with an inclusion that maps into itself', ", path: 'team/{repository}', repositories: { include: ['team/**'] }"],
  ])('is refused %s', (_, keys) => {
    expect(problems(same(keys))).toMatch(/secondaries\[0\]\.url: found "http:\/\/127\.0\.0\.1:5000"; this is the primary itself/);
  });
  it.each([
    ['excluded', ", path: 'mirror/{repository}', repositories: { exclude: ['mirror/**'] }"],
    ['not included', ", path: 'mirror/{repository}', repositories: { include: ['team/**'] }"],
  ])('is taken where the mapped names are %s', (_, keys) => {
    expect(load(same(keys)).secondaries).toHaveLength(1);
  });
  it('is not meant by the same host with another port', () => {
    expect(load(`primary: { url: 'localhost:5000' }\nsecondaries: [{ name: eu, url: 'localhost:5001' }]`).secondaries).toHaveLength(1);
  });
});

describe('credentials', () => {
  it('may be a cloud’s own', () => {
    writeFileSync(join(folder, 'google.json'), JSON.stringify({ type: 'service_account', private_key: 'pem' }));
    const auth = (written: string) =>
      load(SMALL.replace('https://eu.example.com', `https://eu.example.com, auth: ${written}`), { S: 's3cret' });
    const read = (written: string) => auth(written).secondaries[0]?.endpoint.auth;
    expect(read('{ type: ecr }')).toEqual({ type: 'ecr' });
    expect(read("{ type: ecr, region: eu-west-1, registryId: '123456789012', profile: dr }")).toMatchObject({
      registryId: '123456789012',
      profile: 'dr',
    });
    expect(read('{ type: gar, keyFile: google.json }')).toEqual({ type: 'gar', keyFile: join(folder, 'google.json') });
    expect(read('{ type: acr, credential: managed-identity, clientId: c }')).toEqual({
      type: 'acr',
      credential: 'managed-identity',
      clientId: 'c',
    });
    const secret = auth('{ type: acr, tenantId: t, clientId: c, clientSecret: "${S}" }');
    expect(secret.secondaries[0]?.endpoint.auth).toMatchObject({ credential: 'client-secret', clientSecret: 's3cret' });
    expect(secret.redact).toContain('s3cret');
    expect(`${JSON.stringify(secret)}${inspect(secret, { depth: 9 })}`).not.toContain('s3cret');
  });

  it("strikes out the token of a registry's own API", () => {
    const config = load(SMALL.replace('https://eu.example.com', 'https://eu.example.com, kind: quay, api: { token: a9i-t0ken }'));
    expect(config.redact).toContain('a9i-t0ken');
    expect(`${JSON.stringify(config)}${inspect(config, { depth: 9 })}`).not.toContain('a9i-t0ken');
  });

  it.each([
    ["{ type: ecr, registryId: 'my-account' }", /auth\.registryId: found "my-account"; the registry's account, twelve digits, is needed/],
    ['{ type: ecr, endpoint: x }', /auth\.endpoint: there is no such key here.*known: type, region, registryId/],
    ['{ type: gar, keyFile: nowhere.json }', /auth\.keyFile: found "nowhere\.json"; a readable file is needed/],
    ['{ type: gar, keyFile: twinport.yaml }', /auth\.keyFile: found "twinport\.yaml"; the JSON key file of a service account/],
    ['{ type: acr, credential: magic }', /auth\.credential: found "magic"; one of default \| environment/],
    ['{ type: acr, clientSecret: s3cret }', /auth: a client secret goes with tenantId, clientId and clientSecret, all three/],
    ['{ type: acr, credential: environment, clientSecret: s3cret }', /auth\.clientSecret: credential: environment takes no secret/],
    ['{ type: aws }', /auth(?:\.type)?: .*none \| basic \| bearer \| docker-config \| token-key \| acr \| ecr \| gar/],
  ])('of a cloud are refused as %s', (written, message) => {
    const said = problems(SMALL.replace('https://eu.example.com', `https://eu.example.com, auth: ${written}`));
    expect(said).toMatch(message);
    expect(said).not.toContain('s3cret');
  });

  it('may stand in a URL, from where they are taken out', () => {
    const config = load(SMALL.replace('https://eu.example.com', "'https://robot:p%40ss@eu.example.com/v2/'"));
    expect(config.secondaries[0]?.endpoint).toMatchObject({
      url: 'https://eu.example.com',
      auth: { type: 'basic', username: 'robot', password: 'p@ss' },
    });
    expect(config.redact).toContain('p@ss');
  });

  it('that a URL does not hold as escapes are refused, and not shown', () => {
    const said = problems(SMALL.replace('https://eu.example.com', "'https://robot:s3cret%@eu.example.com'"));
    expect(said).toMatch(/secondaries\[0\]\.url: found "https:\/\/…@eu\.example\.com"; the URL of a registry is needed.*written %25/);
    expect(said).not.toContain('s3cret');
  });
});

describe('whom a registry may send us to', () => {
  const written = (trust: string) => SMALL.replace('https://primary.example.com }', `https://primary.example.com, trust: ${trust} }`);

  it('is named by hosts', () => {
    const trust = load(written("{ tokens: [Auth.example.com], redirects: ['minio.corp:9000', '*.s3.corp.example', '[::1]:9000'] }")).primary
      ?.trust;
    expect(trust).toEqual({ tokens: ['auth.example.com'], redirects: ['minio.corp:9000', '*.s3.corp.example', '[::1]:9000'] });
  });

  it.each(["['*']", "['*.com']", '[https://auth.example.com]', '[auth.example.com/token]', "['a b']", 'auth.example.com'])(
    'is not %s',
    (hosts) => expect(problems(written(`{ tokens: ${hosts} }`))).toMatch(/primary\.trust\.tokens/),
  );
});

describe('secrets', () => {
  it('of all sections are known to the logger, in all the forms in which they stand in the file', () => {
    const { redact } = load(
      `${SMALL.replace('https://primary.example.com }', "'https://u:p%41ss-word@primary.example.com' }")}
ledger: { url: 'postgres://twinport:l%65dger-pass@db/twinport?password=other-pass' }
temporal: { address: 'temporal:7233', apiKey: temporal-key }
control: { token: control-token }
webhook: { secret: hookSecret, secrets: { harbor: harborSecret } }
`,
    );
    for (const secret of [
      'pAss-word',
      'l%65dger-pass',
      'ledger-pass',
      'other-pass',
      'temporal-key',
      'control-token',
      'hookSecret',
      'harborSecret',
    ])
      expect(redact).toContain(secret);
  });

  it.each(['p%zz', 'p%', 'pa/ss', 'pa#ss'])('of the ledger that no URL holds are refused, and not shown: %s', (password) => {
    const message = problems(`${SMALL}\nledger: { url: 'postgres://twinport:${password}@db/twinport' }`);
    expect(message).toMatch(/ledger\.url: .*% is written %25/);
    expect(message).not.toContain(password);
  });

  it.each(['postgresql://u@/db?host=%2Frun%2Fpg', 'postgresql:///db?host=/run/pg', 'postgres://u:p@one,two/db?sslmode=verify-full'])(
    'are not looked for where there are none: %s',
    (url) => expect(load(`${SMALL}\nledger: { url: '${url}' }`).ledger).toEqual({ url }),
  );

  it('of half a letter are no crash', () => {
    expect(load(`${SMALL}\nwebhook: { secret: "\\ud800 secret" }`).redact).toContain('\ud800 secret');
  });

  it('in the URL of an API are refused: they would be passed over in silence', () => {
    const message = problems(
      SMALL.replace('https://eu.example.com', "https://eu.example.com, api: { url: 'https://u:a9i-secret@api.example.com' }"),
    );
    expect(message).toMatch(/secondaries\[0\]\.api\.url: .*without user and password/);
    expect(message).not.toContain('a9i-secret');
  });
});

describe('two URLs in place of a file', () => {
  const urls = (primary: string, secondary: string, include?: string[]) =>
    loadConfig({ primary, secondary, ...(include ? { include } : {}), env: NO_DOCKER, sections: ['primary', 'secondaries'] });

  it('make a site named by host and port that carries its own primary', () => {
    const config = urls('127.0.0.1:5000', 'http://127.0.0.1:5001', ['team/**']);
    expect(config.dataDir).toBe(join(process.cwd(), '.twinport'));
    expect(config.secondaries[0]).toMatchObject({
      name: '127-0-0-1-5001',
      primary: { url: 'http://127.0.0.1:5000' },
      endpoint: { url: 'http://127.0.0.1:5001' },
      policy: { repositories: { include: ['team/**'] } },
    });
  });

  it.each([
    ['registry.example.com', 'https://registry.example.com', 'registry-example-com'],
    ['registry.example.com:5000/prefix', 'https://registry.example.com:5000/prefix', 'registry-example-com-5000'],
    ['[::1]:5000', 'http://[::1]:5000', '1-5000'],
    ['localhost', 'http://localhost', 'localhost-80'],
  ])('%s is %s', (given, url, name) => {
    expect(urls('p.example.com', given).secondaries[0]).toMatchObject({ name, endpoint: { url } });
  });

  it('cut a long name to one that is still its own', () => {
    const name = (host: string) => urls('p.example.com', host).secondaries[0]?.name ?? '';
    const [a, b] = [name(`${'a'.repeat(60)}.example.com`), name(`${'a'.repeat(60)}.example.org`)];
    expect([a.length, b.length]).toEqual([40, 40]);
    expect(a).not.toBe(b);
  });

  it('go together, and not with a file', () => {
    const sections: Section[] = ['secondaries'];
    expect(() => loadConfig({ primary: 'a', sections })).toThrow(/--primary URL and --secondary URL are needed together/);
    expect(() => loadConfig({ primary: 'a', secondary: 'b', file: 'x', sections })).toThrow(/not both/);
    expect(() => loadConfig({ include: ['x'], file: join(folder, 'twinport.yaml'), sections })).toThrow(/--include goes with/);
    expect(() => loadConfig({ file: join(folder, 'nope.yaml'), sections })).toThrow(/there is no such file/);
    expect(() => loadConfig({ sections })).toThrow(/there is no \.\/twinport\.yaml: give a file with -c/);
    expect(loadConfig({ sections: ['control', 'temporal'] }).control).toEqual({});
  });
});

describe('what some kinds of registry need', () => {
  it('takes a list of repositories, an API of its own and how repositories are made', () => {
    const config = load(
      `
primary: { url: https://primary.example.com, catalog: [team/app], api: { url: https://api.example.com, token: '\${TOKEN}' } }
secondaries: [{ name: eu, url: https://eu.example.com, create: false }]
`,
      { TOKEN: 'shh-secret' },
    );
    expect(config.primary).toMatchObject({ catalog: ['team/app'], api: { url: 'https://api.example.com', token: 'shh-secret' } });
    expect(config.secondaries[0]?.endpoint.create).toBe(false);
    expect(inspect(config)).not.toContain('shh-secret');
  });

  it('refuses names that are none, and settings that the kind does not know', () => {
    expect(
      problems('primary: { url: https://p.example.com, catalog: [Team] }\nsecondaries: [{ name: eu, url: https://eu.example.com }]'),
    ).toMatch(/primary\.catalog\[0\].*Team.*repository name/);
    expect(
      problems(
        'primary: { url: https://p.example.com }\nsecondaries: [{ name: eu, url: https://eu.example.com, create: { public: true } }]',
      ),
    ).toMatch(/secondaries\[0\]\.create\.public.*kind: oci makes its repositories with the first push/);
    expect(
      problems(
        'primary: { url: https://p.example.com, api: { url: ftp://api.example.com } }\nsecondaries: [{ name: eu, url: https://eu.example.com }]',
      ),
    ).toMatch(/primary\.api\.url/);
  });

  it('takes namespaces where a kind lists by them, and says so where it does not', () => {
    const secondaries = 'secondaries: [{ name: eu, url: https://eu.example.com }]';
    const of = (rest: string) => `primary: { url: https://p.example.com, ${rest} }\n${secondaries}`;
    expect(load(of('kind: ghcr, namespaces: [Acme, tools]')).primary?.namespaces).toEqual(['Acme', 'tools']);
    expect(problems(of('namespaces: [acme]'))).toMatch(/primary\.namespaces.*kind: oci lists its repositories without/);
    expect(problems(of('kind: ghcr, namespaces: [acme], catalog: [acme/app]'))).toMatch(/primary\.namespaces.*keep one of the two/);
    expect(problems(of('kind: ghcr, namespaces: ["a b"]'))).toMatch(/primary\.namespaces\[0\].*a namespace, such as acme/);
    expect(problems(of('kind: ghcr, namespaces: []'))).toMatch(/primary\.namespaces.*at least one/);
  });
});
