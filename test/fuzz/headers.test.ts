import { describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { isTwinportError } from '../../src/model/failure.ts';
import { linksOf, manifestMediaType } from '../../src/model/manifest.ts';
import { parseReference } from '../../src/model/reference.ts';
import { parseChallenges } from '../../src/registry/auth/challenge.ts';
import { nextLink } from '../../src/registry/links.ts';
import { manifestDigest } from '../../src/registry/manifest-digest.ts';
import { refusal } from '../../src/registry/refusal.ts';
import { addressRange } from '../../src/registry/transport/address-range.ts';
import { readRateLimits } from '../../src/registry/transport/rate-limit-headers.ts';
import { retryAfterMs } from '../../src/registry/transport/retry-after.ts';
import { redact } from '../../src/telemetry/index.ts';
import { fuzz } from './fuzz.ts';
import { hostileText, hostileValue, nearJson } from './hostile.ts';

const DIGEST = `sha256:${'a'.repeat(64)}` as const;
const limits = { requests: 1, transfers: 1 };
const PEER = {
  host: 'r:443',
  endpoint: { name: 'eu', side: 'secondary', url: 'https://r', kind: 'oci', auth: { type: 'none' }, limits },
} as const;
const REQUEST = { method: 'PUT', path: 'manifests/v1', repository: 'a/b', scope: 'push', accept: [] } as const;

/** Words of a header in any order: nearer to the grammar than chance would come. */
const words = (...known: string[]): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...known, ',', ';', '=', '"', '\\', ' ', '<', '>') },
        { weight: 1, arbitrary: hostileText },
      ),
      { maxLength: 14 },
    )
    .map((all) => all.join(''));

describe('what a registry writes into a header', () => {
  fuzz(
    'challenges',
    8_000,
    fc.array(words('Bearer ', 'Basic ', 'realm', 'scope', 'service', 'error', 'https://x/t', 'repository:a:pull'), { maxLength: 3 }),
    (headers) => {
      for (const { scheme, params } of parseChallenges(headers)) {
        expect(scheme).toBe(scheme.toLowerCase());
        expect(Object.values(params).every((value) => typeof value === 'string')).toBe(true);
      }
    },
  );

  fuzz('links', 8_000, words('</v2/_catalog?n=1&last=a>', 'rel', 'next', 'rel="next"', '; ', 'prev'), (header) => {
    const target = nextLink(header);
    if (target !== undefined) expect(header).toContain(`<${target}>`);
  });

  const rate = words('100', ';w=21600', 'r', 't', '30', 'q', '"x"', 'limit', '-5');
  fuzz(
    'limits',
    8_000,
    fc.record({ a: rate, b: rate, c: rate, prefix: fc.constantFrom('ratelimit-', 'x-ratelimit-', 'x-rate-limit-') }),
    ({ a, b, c, prefix }) => {
      const headers = { [`${prefix}limit`]: a, [`${prefix}remaining`]: b, [`${prefix}reset`]: c, ratelimit: a, 'ratelimit-policy': b };
      for (const { remaining, resetMs = 0, windowMs = 0, limit = 0 } of readRateLimits(headers, 1_764_000_000_000)) {
        for (const value of [remaining, resetMs, windowMs, limit]) expect(Number.isFinite(value) && value >= 0).toBe(true);
        expect(Math.max(resetMs, windowMs)).toBeLessThanOrEqual(366 * 86_400_000);
      }
    },
  );

  fuzz('Retry-After', 4_000, fc.oneof(hostileText, words('120', 'Wed, 21 Oct 2026 07:28:00 GMT', '.5')), (header) => {
    const ms = retryAfterMs(header) ?? 0;
    expect(ms >= 0 && ms <= 300_000).toBe(true);
  });
});

describe('what a registry writes into a body', () => {
  const errors = [
    { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'unknown', detail: { name: 'a', digest: DIGEST } }] },
    { errors: [{ code: 'DENIED', message: 'quota exceeded at https://x/?sig=planted-signature', detail: null }] },
    { message: 'Not Found', documentation_url: 'https://x' },
  ];
  fuzz('errors', 8_000, fc.record({ body: nearJson(errors), status: fc.integer({ min: 200, max: 599 }) }), ({ body, status }) => {
    const { message, codes } = refusal(PEER, REQUEST, { status, text: new TextDecoder().decode(body) });
    expect(message.length).toBeLessThan(3_000);
    expect(message).not.toMatch(/\p{Cc}/u);
    expect(codes.every((code) => /^[\w.[\]-]{1,64}$/.test(code))).toBe(true);
  });

  const entry = (mediaType: string) => ({ mediaType, digest: DIGEST, size: 7, urls: ['https://x/'], platform: { os: 'linux' } });
  const manifests = [
    {
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: entry('c'),
      layers: [entry('l'), entry('l')],
      subject: entry('s'),
    },
    {
      schemaVersion: 2,
      manifests: [entry('application/vnd.oci.image.manifest.v1+json'), entry('application/vnd.buildkit.cacheconfig.v0')],
    },
    {
      schemaVersion: 1,
      name: 'a',
      fsLayers: [{ blobSum: DIGEST }],
      history: [],
      signatures: [{ protected: 'e30', header: {}, signature: 'x' }],
    },
  ];
  const types = fc.oneof(
    fc.constantFrom(
      'application/vnd.oci.image.manifest.v1+json',
      'application/vnd.oci.image.index.v1+json',
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
      'application/vnd.docker.distribution.manifest.v2+json',
      'application/json',
    ),
    hostileText,
  );
  fuzz('manifests', 16_000, fc.record({ bytes: nearJson(manifests), mediaType: types }), ({ bytes, mediaType }) => {
    try {
      manifestMediaType(mediaType, {});
      const digest = manifestDigest({ mediaType, bytes });
      const { blobs, children, foreign, unsized } = linksOf({ mediaType, digest, bytes });
      for (const { size, digest: of } of [...blobs, ...children, ...foreign]) {
        expect(Number.isSafeInteger(size) && size >= 0).toBe(true);
        expect(of).toMatch(/^sha(?:256:[a-f0-9]{64}|512:[a-f0-9]{128})$/);
      }
      for (const of of unsized) expect(of).toMatch(/^sha/);
    } catch (thrown) {
      if (!isTwinportError(thrown) || thrown.code === 'INTERNAL') throw thrown;
    }
  });
});

describe('texts from anywhere', () => {
  fuzz('references', 6_000, fc.oneof(hostileText, words('a/b', ':', '@', 'v1', DIGEST)), (text) => {
    const { repository = 'a', tag = 'v1' } = parseReference(text) ?? {};
    expect(repository).toMatch(/^[a-z0-9][a-z0-9._/-]*$/);
    expect(tag).toMatch(/^\w[\w.-]*$/);
  });
  fuzz(
    'addresses',
    6_000,
    fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      hostileText,
      fc.ipV4().map((ip) => `::ffff:${ip}`),
    ),
    (text) => {
      expect(['public', 'private', 'loopback', 'reserved']).toContain(addressRange(text));
    },
  );
  fuzz('lines of a log', 4_000, hostileValue, (value) => {
    expect(typeof redact(`Bearer abcdefgh ${JSON.stringify(value)}`)).toBe('string');
  });
});
