import { describe, expect, it } from '@jest/globals';
import { eventSources } from '../../src/events/index.ts';
import { describeSenders, ownSenders } from '../../src/processes/cli/describe-senders.ts';
import { senderSnippet } from '../../src/processes/notifications/sender-snippets.ts';

const NONE = { listen: '127.0.0.1:8080', secrets: {} };
const BASE = 'https://twinport.example.com';
const GAR = { audience: 'https://twinport.example.com', email: 'pubsub@p.iam.gserviceaccount.com' };
const kinds = Object.keys(eventSources).filter((name) => !['distribution', 'gitlab', 'cloudevents'].includes(name));

describe.each(kinds)('the settings for %s', (kind) => {
  const inPath = kind === 'dockerhub' || kind === 'quay';

  it('have where to send, and the secret that was made', () => {
    const { url, text } = senderSnippet(kind, BASE, NONE, 'made/1')!;
    expect(url).toBe(`${BASE}/events/${kind}${inPath ? '/made%2F1' : ''}`);
    expect(text).toContain(url);
    if (kind !== 'gar') expect(text).toContain(inPath ? 'made%2F1' : 'made/1');
  });

  it('show no secret that is configured', () => {
    for (const config of [
      { ...NONE, secret: 's3cret' },
      { ...NONE, secrets: { [kind]: 's3cret' } },
    ])
      expect(JSON.stringify(senderSnippet(kind, BASE, config, 's3cret'))).not.toContain('s3cret');
  });
});

it('gar’s say whose token is asked for', () => {
  expect(senderSnippet('gar', BASE, NONE, 'm')?.text).toContain('webhook.secrets.gar');
  const { text } = senderSnippet('gar', BASE, { ...NONE, tokens: { gar: GAR } }, 'm')!;
  expect(text).toContain(GAR.email);
  expect(text).toContain(`audience ${GAR.audience}`);
});

it('there are none for what sends nothing by itself', () => {
  for (const kind of ['oci', 'bundlebar', 'distribution', 'constructor']) expect(senderSnippet(kind, BASE, NONE, 'm')).toBeUndefined();
});

it('what each sender is asked for can be told without its secret', () => {
  const config = { ...NONE, secret: 's3cret', secrets: { harbor: 's3cret' }, naming: { jfrog: '{image}' } };
  expect(describeSenders(config)).toMatchObject({
    distribution: 'webhook.secret',
    harbor: 'webhook.secrets.harbor',
    gar: 'not taken: webhook.secrets.gar is not configured',
    jfrog: 'webhook.secret; images are named {image}',
  });
  expect(ownSenders({ ...config, tokens: { gar: GAR } })).toEqual([
    ['harbor', 'webhook.secrets.harbor'],
    ['gar', `a token of ${GAR.email} for ${GAR.audience}`],
    ['jfrog', 'webhook.secret; images are named {image}'],
  ]);
  expect(describeSenders(NONE)['quay']).toMatch(/made at the first start/);
});
