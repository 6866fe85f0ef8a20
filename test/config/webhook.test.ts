import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadConfig, type WebhookConfig } from '../../src/config/index.ts';
import { eventSources } from '../../src/events/index.ts';
import { redact, registerSecrets } from '../../src/telemetry/index.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'twinport-webhook-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function load(secrets: string, env: NodeJS.ProcessEnv = {}) {
  const file = join(folder, 'twinport.yaml');
  writeFileSync(file, `webhook: { secrets: ${secrets} }\n`);
  return loadConfig({ file, env, sections: ['webhook'] });
}
const webhook = (secrets: string): WebhookConfig => load(secrets).webhook;
const GAR = 'gar: { audience: "https://twinport.example.com", email: pubsub@p.iam.gserviceaccount.com';

describe('webhook.secrets', () => {
  it('takes each source of the table', () => {
    const plain = Object.values(eventSources).filter(({ proofs }) => !proofs.some(({ by }) => by === 'token'));
    const written = plain.map(({ name }) => `${name}: secret-of-${name}`).join(', ');
    expect(webhook(`{ ${written} }`).secrets).toEqual(Object.fromEntries(plain.map(({ name }) => [name, `secret-of-${name}`])));
  });

  it('takes whose token, and for whom', () => {
    const token = { audience: 'https://twinport.example.com', email: 'pubsub@p.iam.gserviceaccount.com' };
    expect(webhook(`{ ${GAR} } }`)).toMatchObject({ secrets: {}, tokens: { gar: token } });
    const jwks = 'http://127.0.0.1:9000/keys';
    expect(webhook(`{ ${GAR}, jwks: "${jwks}" } }`).tokens).toEqual({ gar: { ...token, keySet: jwks } });
  });

  it('takes how the primary names images', () => {
    expect(webhook('{ jfrog: { secret: s3cret, repository: "docker/{image}" } }')).toMatchObject({
      secrets: { jfrog: 's3cret' },
      naming: { jfrog: 'docker/{image}' },
    });
    expect(webhook('{ jfrog: { repository: "{image}" } }')).toEqual({
      listen: '127.0.0.1:8080',
      secrets: {},
      naming: { jfrog: '{image}' },
    });
  });

  it('are hidden as they are, and as a path has them', () => {
    registerSecrets(load('{ dockerhub: "${HUB}", jfrog: { secret: s3cret } }', { HUB: 'a/b c' }).redact);
    expect(redact('a/b c, /events/dockerhub/a%2Fb%20c, s3cret')).toBe('[hidden], /events/dockerhub/[hidden], [hidden]');
  });

  it.each([
    ['an unknown source', '{ harbour: x }', /secrets\.harbour: there is no such key here: did you mean harbor\?.*distribution, gitlab/],
    ['no secret', '{ harbor: "" }', /secrets\.harbor: found an empty text; a secret, as \$\{NAME\}/],
    ['a number', '{ harbor: 12345 }', /secrets\.harbor: found a number \(not shown\); .*put it in quotes/],
    ['a section for a secret', '{ quay: { token: x } }', /secrets\.quay: found a section .*; a secret, as/],
    [
      'a secret for a token',
      '{ gar: s3cret }',
      /secrets\.gar: found a string \(not shown\); a section with the keys audience, email, jwks/,
    ],
    ['no e-mail', '{ gar: { audience: a } }', /secrets\.gar\.email: found nothing; the e-mail of the service account/],
    ['keys over an open line', `{ ${GAR}, jwks: "http://keys.example.com/" } }`, /secrets\.gar\.jwks: found .*; the https URL/],
    ['keys with a user', `{ ${GAR}, jwks: "http://127.0.0.1:x@keys.example.com/" } }`, /secrets\.gar\.jwks: found /],
    ['keys of a host that begins like ours', `{ ${GAR}, jwks: "http://127.0.0.1.example.com/" } }`, /secrets\.gar\.jwks: found /],
    [
      'a naming without an image',
      '{ jfrog: { repository: "docker" } }',
      /secrets\.jfrog\.repository: found .*; a repository name with \{image\}/,
    ],
    ['a naming with two', '{ jfrog: { repository: "{image}/{image}" } }', /secrets\.jfrog\.repository: found /],
    ['an unknown setting', '{ jfrog: { secrets: x } }', /secrets\.jfrog\.secrets: there is no such key here: did you mean secret\?/],
  ])('refuses %s', (_what, secrets, message) => {
    expect(() => load(secrets)).toThrow(expect.objectContaining({ code: 'CONFIG', message: expect.stringMatching(message) }));
    expect(() => load(secrets)).toThrow(expect.objectContaining({ message: expect.not.stringMatching(/s3cret|12345/) }));
  });
});
