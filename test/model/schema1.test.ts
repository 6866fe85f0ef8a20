import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { linksOf } from '../../src/model/manifest.ts';
import { DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED } from '../../src/model/media-types.ts';
import { schema1Layers, schema1Payload } from '../../src/model/schema1.ts';
import { signSchema1 } from '../support/formats.ts';

const at = (c: string): string => `sha256:${c.repeat(64)}`;
const bytesOf = (body: unknown): Uint8Array => new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
const BODY = { schemaVersion: 1, name: 'app', tag: 'v1', fsLayers: [{ blobSum: at('1') }, { blobSum: at('2') }, { blobSum: at('1') }] };
const protect = (header: unknown): string => Buffer.from(JSON.stringify(header)).toString('base64url');

describe('Docker schema 1', () => {
  it('is what was signed, whoever signs it', () => {
    const payload = JSON.stringify(BODY, null, 3);
    const [one, two] = [signSchema1(payload), signSchema1(payload)];
    expect(Buffer.from(one).equals(two)).toBe(false);
    expect(new TextDecoder().decode(schema1Payload(one))).toBe(payload);
    expect(Buffer.from(schema1Payload(one)).equals(schema1Payload(two))).toBe(true);
  });

  it('is cut by bytes, not by characters', () => {
    const payload = JSON.stringify({ ...BODY, author: 'Ünïcødé ☃' }, null, 3);
    expect(new TextDecoder().decode(schema1Payload(signSchema1(payload)))).toBe(payload);
  });

  it('is all of the body where nobody signed it', () => {
    const bytes = bytesOf(BODY);
    expect(schema1Payload(bytes)).toBe(bytes);
  });

  it.each([DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED])('names its layers once each, without sizes, as %s', (mediaType) => {
    const links = linksOf({ mediaType, digest: 'sha256:0', bytes: signSchema1(JSON.stringify(BODY, null, 3)) });
    expect(links).toEqual({ children: [], entries: [], blobs: [], foreign: [], unsized: [at('1'), at('2')] });
  });

  it('believes what is signed, not what was written after it', () => {
    const signed = new TextDecoder().decode(signSchema1(JSON.stringify(BODY, null, 3)));
    const forged = signed.replace(/\n?\}\s*$/, `,"fsLayers":[{"blobSum":"${at('9')}"}]}`);
    expect(JSON.parse(forged)).toMatchObject({ fsLayers: [{ blobSum: at('9') }] });
    expect(schema1Layers(bytesOf(forged))).toEqual([at('1'), at('2')]);
  });

  it.each([
    ['no JSON', 'x', /is not JSON/],
    ['a list', [], /not a JSON object/],
    ['signatures of nothing', { ...BODY, signatures: [] }, /signatures is no list/],
    ['a signature without a header', { ...BODY, signatures: [{}] }, /signatures\[0\].protected is not base64url/],
    ['a header that is no base64', { ...BODY, signatures: [{ protected: '%%' }] }, /not base64url/],
    ['a header that is no JSON', { ...BODY, signatures: [{ protected: 'AAAA' }] }, /is not JSON/],
    ['a header that says nothing', { ...BODY, signatures: [{ protected: protect({}) }] }, /does not say what it is over/],
    ['a length below nothing', { ...BODY, signatures: [{ protected: protect({ formatLength: -1, formatTail: '' }) }] }, /does not say/],
    ['a length beyond the body', { ...BODY, signatures: [{ protected: protect({ formatLength: 9_999, formatTail: '' }) }] }, /9999 bytes/],
    [
      'signatures over different texts',
      { ...BODY, signatures: [1, 2].map((formatLength) => ({ protected: protect({ formatLength, formatTail: 'fQ' }) })) },
      /over different texts/,
    ],
    ['no layers', { ...BODY, fsLayers: [] }, /fsLayers is no list of layers/],
    ['a layer that is none', { ...BODY, fsLayers: [{ blobSum: '../x' }] }, /fsLayers\[0\] has no usable blobSum/],
  ])('is refused as %s', (_, body, message) => {
    expect(() => schema1Layers(bytesOf(body))).toThrow(message);
    expect(() => schema1Layers(bytesOf(body))).toThrow(expect.objectContaining({ code: 'INVALID', retry: 'never' }));
  });

  it('has the digest of what is signed', () => {
    const payload = JSON.stringify(BODY, null, 3);
    const hash = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
    expect(hash(schema1Payload(signSchema1(payload)))).toBe(hash(payload));
  });
});
