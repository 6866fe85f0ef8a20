import { describe, expect, it } from '@jest/globals';
import type { Digest } from '../../src/model/digest.ts';
import { algorithmOf, hexOf, isDigest } from '../../src/model/digest.ts';
import { totalBytes } from '../../src/model/descriptor.ts';
import { linksOf, manifestMediaType, parseBody } from '../../src/model/manifest.ts';
import {
  DOCKER_LIST,
  DOCKER_MANIFEST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isIndexType,
  isManifestType,
  MANIFEST_ACCEPT,
  OCI_ARTIFACT,
  OCI_INDEX,
  OCI_MANIFEST,
} from '../../src/model/media-types.ts';

const at = (c: string): Digest => `sha256:${c.repeat(64)}`;
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const layer = (c: string, size = 10) => ({ mediaType: LAYER, digest: at(c), size });
const config = { mediaType: 'application/vnd.oci.image.config.v1+json', digest: at('c'), size: 3 };
const child = (c: string, mediaType: string = OCI_MANIFEST) => ({ mediaType, digest: at(c), size: 7 });

const NONE = { children: [], entries: [], blobs: [], foreign: [], unsized: [] };

function links(mediaType: string, body: unknown) {
  return linksOf({ mediaType, digest: at('0'), bytes: new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body)) });
}

describe('linksOf', () => {
  it.each([
    ['OCI', OCI_MANIFEST],
    ['Docker', DOCKER_MANIFEST],
  ])('reads an image of %s: config, then layers, in their order', (_, mediaType) => {
    expect(links(mediaType, { config, layers: [layer('2'), layer('1'), layer('2')] })).toEqual({
      ...NONE,
      blobs: [config, layer('2'), layer('1'), layer('2')],
    });
  });

  it.each([
    ['OCI', OCI_INDEX],
    ['Docker', DOCKER_LIST],
  ])('reads an index of %s, of whatever manifests', (_, mediaType) => {
    const manifests = [child('2'), child('1', DOCKER_MANIFEST), child('3', OCI_INDEX), child('4', OCI_ARTIFACT)];
    expect(links(mediaType, { manifests: manifests.map((entry) => ({ ...entry, platform: { os: 'linux' } })) })).toEqual({
      ...NONE,
      children: manifests,
    });
  });

  it.each([
    ['an index with layers', OCI_INDEX, { manifests: [], layers: [layer('1')] }, /served as an index, but has layers/],
    ['an image with manifests', OCI_MANIFEST, { manifests: [child('1')] }, /served as an image, but has manifests/],
    ['an index that calls itself an image', DOCKER_LIST, { mediaType: DOCKER_MANIFEST }, /served as an index, but calls itself/],
    ['an image that calls itself an index', DOCKER_MANIFEST, { mediaType: OCI_INDEX }, /served as an image, but calls itself/],
  ])('refuses %s: it would seem to be complete without its content', (_, mediaType, body, message) => {
    expect(() => links(mediaType, body)).toThrow(expect.objectContaining({ code: 'INVALID', message: expect.stringMatching(message) }));
  });

  it('reads an artifact manifest’s blobs', () => {
    expect(links(OCI_ARTIFACT, { artifactType: 'text/plain', blobs: [layer('1')] }).blobs).toEqual([layer('1')]);
  });

  it('reads an artifact kept as an image, with an empty config', () => {
    const empty = { mediaType: 'application/vnd.oci.empty.v1+json', digest: at('e'), size: 2, data: 'e30=' };
    const { mediaType, digest, size } = empty;
    expect(links(OCI_MANIFEST, { artifactType: 'x/y', config: empty, layers: [empty] }).blobs).toEqual([
      { mediaType, digest, size },
      { mediaType, digest, size },
    ]);
  });

  it.each([OCI_MANIFEST, OCI_INDEX, OCI_ARTIFACT])('reads the subject of a %s', (mediaType) => {
    expect(links(mediaType, { subject: child('5') }).subject).toEqual(child('5'));
  });

  it.each([
    ['nothing', {}],
    ['nulls', { layers: null, manifests: null, subject: null }],
    ['empty lists', { layers: [], manifests: [] }],
  ])('takes %s for links to nothing', (_, body) => {
    expect(links(OCI_MANIFEST, body)).toEqual(NONE);
    expect(links(OCI_INDEX, body)).toEqual(NONE);
  });

  it('takes a size of nothing, and the largest that JSON can count', () => {
    const sizes = [0, Number.MAX_SAFE_INTEGER];
    expect(links(OCI_MANIFEST, { layers: sizes.map((size) => layer('1', size)) }).blobs.map(({ size }) => size)).toEqual(sizes);
  });

  it('takes a layer without a type, which nothing here depends on', () => {
    expect(links(OCI_MANIFEST, { layers: [{ digest: at('1'), size: 1 }] }).blobs).toEqual([{ mediaType: '', digest: at('1'), size: 1 }]);
  });

  it.each([
    ['no JSON', '{"layers":', /is not JSON/],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), /is not JSON/],
    ['a list', [], /not a JSON object/],
    ['null', 'null', /not a JSON object/],
    ['a text', '"x"', /not a JSON object/],
    ['layers that are no list', { layers: {} }, /layers is no list/],
    ['a layer that is null', { layers: [null] }, /layers\[0\] has no usable digest/],
    ['a layer that is a text', { layers: ['x'] }, /layers\[0\] has no usable digest/],
    ['no digest', { layers: [layer('1'), { size: 1 }] }, /layers\[1\] has no usable digest/],
    ['a short digest', { layers: [{ digest: 'sha256:ab', size: 1 }] }, /no usable digest/],
    ['a digest of upper case', { layers: [{ digest: `sha256:${'AB'.repeat(32)}`, size: 1 }] }, /no usable digest/],
    ['an algorithm that nobody can check', { layers: [{ digest: `md5:${'a'.repeat(32)}`, size: 1 }] }, /no usable digest/],
    ['a path in place of a digest', { config: { digest: '../../etc/passwd', size: 1 } }, /config has no usable digest/],
    ['no size', { layers: [{ digest: at('1') }] }, /no usable size/],
    ['a size below nothing', { layers: [layer('1', -1)] }, /no usable size/],
    ['half a byte', { layers: [layer('1', 0.5)] }, /no usable size/],
    ['a size beyond counting', { layers: [layer('1', 2 ** 53)] }, /no usable size/],
    ['a size beyond numbers', `{"layers":[{"digest":"${at('1')}","size":1e999}]}`, /no usable size/],
    ['a size in words', { layers: [{ digest: at('1'), size: '1' }] }, /no usable size/],
    ['a broken subject', { subject: { digest: 'x', size: 1 } }, /subject has no usable digest/],
    ['a config of null', { config: null }, /config has no usable digest/],
    ['layers that Go would read', { layers: [], Layers: [layer('1')] }, /"Layers" is "layers" to some readers/],
    ['layers that Go would read, with its long s', { 'layer\u017f': [layer('1')] }, /"layer\u017f" is "layers" to some readers/],
    ['a digest that Go would read', { layers: [{ ...layer('1'), Digest: at('2') }] }, /layers\[0\], "Digest" is "digest"/],
  ])('refuses %s', (_, body, message) => {
    const bytes = body instanceof Uint8Array ? body : new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body));
    const read = () => linksOf({ mediaType: OCI_MANIFEST, digest: at('0'), bytes });
    expect(read).toThrow(message);
    expect(read).toThrow(expect.objectContaining({ code: 'INVALID', retry: 'never' }));
  });

  it('tells the blobs of an index from its manifests, and what may be either', () => {
    const cache = child('2', 'application/vnd.buildkit.cacheconfig.v0');
    const unknown = child('3', 'application/vnd.example.thing+json');
    const untyped = { mediaType: '', digest: at('4'), size: 7 };
    const manifests = [child('1', LAYER), cache, unknown, child('5'), { digest: at('4'), size: 7 }];
    const read = { ...NONE, children: [child('5')], entries: [unknown, untyped], blobs: [child('1', LAYER), cache] };
    expect(links(OCI_INDEX, { manifests })).toEqual(read);
    expect(links(DOCKER_LIST, { manifests })).toEqual(read);
  });

  it.each([
    ['Docker’s foreign layer', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', undefined, false],
    ['one with URLs', 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip', ['https://example.com/l'], true],
    ['a non-distributable layer', 'application/vnd.oci.image.layer.nondistributable.v1.tar+zstd', [], false],
    ['any layer that says where else it lies', LAYER, ['https://example.com/l'], true],
  ])('knows %s as foreign', (_, mediaType, urls, elsewhere) => {
    const foreign = { mediaType, digest: at('1'), size: 10 };
    expect(links(OCI_MANIFEST, { config, layers: [{ ...foreign, urls }, layer('2')] })).toEqual({
      ...NONE,
      blobs: [config, layer('2')],
      foreign: [{ ...foreign, elsewhere }],
    });
  });

  it('reads what is built as an OCI manifest or index, of whatever type', () => {
    const type = 'application/vnd.example.manifest+json';
    expect(links(type, { schemaVersion: 2, config, layers: [layer('1')], annotations: {} }).blobs).toEqual([config, layer('1')]);
    expect(links(type, { schemaVersion: 2, manifests: [child('1')], subject: child('5') })).toEqual({
      ...NONE,
      children: [child('1')],
      subject: child('5'),
    });
  });

  it.each([
    ['of nothing known', { things: [] }],
    ['with a field that might point at more', { schemaVersion: 2, config, layers: [], extras: [layer('1')] }],
    ['without a config', { schemaVersion: 2, layers: [] }],
    ['of another version', { schemaVersion: 3, config, layers: [] }],
  ])('does not guess at a type that nobody knows, %s', (_, body) => {
    expect(() => links('application/vnd.example.manifest+json', body)).toThrow(
      expect.objectContaining({
        code: 'UNSUPPORTED',
        retry: 'never',
        message: expect.stringContaining('vnd.example.manifest') as unknown as string,
      }),
    );
  });
});

describe('manifestMediaType', () => {
  it.each([
    ['as served', OCI_INDEX, {}, OCI_INDEX],
    ['without parameters, in lower case', `${OCI_MANIFEST.toUpperCase()}; charset=utf-8`, {}, OCI_MANIFEST],
    ['as served, whatever the body says', DOCKER_MANIFEST, { mediaType: OCI_MANIFEST }, DOCKER_MANIFEST],
    ['as the body says where the server is vague', 'application/json', { mediaType: DOCKER_LIST }, DOCKER_LIST],
    ['as the body says where the server says nothing', undefined, { mediaType: DOCKER_MANIFEST }, DOCKER_MANIFEST],
    ['an index by its list', 'text/plain', { manifests: [] }, OCI_INDEX],
    ['an image by its layers', undefined, { layers: [] }, OCI_MANIFEST],
    ['an image by its config', undefined, { config: {} }, OCI_MANIFEST],
    ['unknown', 'application/json', { mediaType: 'text/html' }, undefined],
    ['unknown', undefined, {}, undefined],
    ['one that nobody knows, of a known build', 'application/vnd.a+json', { schemaVersion: 2, manifests: [] }, 'application/vnd.a+json'],
    ['none where the build is not known either', 'application/vnd.a+json', { schemaVersion: 2, things: [] }, undefined],
    ['not another than is served', 'application/vnd.a+json', { mediaType: OCI_MANIFEST, things: [] }, undefined],
    ['one that nobody knows, by the body', '', { schemaVersion: 2, mediaType: 'a/b', config: {}, layers: [] }, 'a/b'],
    ['schema 1 by its version', 'application/json', { schemaVersion: 1, fsLayers: [] }, DOCKER_SCHEMA1],
    ['schema 1 with its signatures', 'application/json', { schemaVersion: 1, fsLayers: [], signatures: [{}] }, DOCKER_SCHEMA1_SIGNED],
  ])('is %s', (_, served, body, expected) => {
    expect(manifestMediaType(served, body)).toBe(expected);
  });
});

describe('media types', () => {
  it('that a manifest may have are all asked for', () => {
    const types = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, OCI_ARTIFACT, DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED];
    const accepted = MANIFEST_ACCEPT.split(', ');
    expect(types.filter((type) => !accepted.includes(type) || !isManifestType(type))).toEqual([]);
    expect(types.filter(isIndexType)).toEqual([OCI_INDEX, DOCKER_LIST]);
    expect(isManifestType(LAYER)).toBe(false);
  });
});

describe('digests', () => {
  it.each([
    [at('a'), true],
    [`sha512:${'a'.repeat(128)}`, true],
    [`sha512:${'a'.repeat(64)}`, false],
    [`sha256:${'a'.repeat(65)}`, false],
    [`sha256:${'g'.repeat(64)}`, false],
    [`${at('a')}\n`, false],
    ['', false],
    [undefined, false],
  ])('%p: %p', (text, is) => {
    expect(isDigest(text)).toBe(is);
  });

  it('have an algorithm and digits', () => {
    expect([algorithmOf(at('a')), algorithmOf(`sha512:${'b'.repeat(128)}`), hexOf(at('a'))]).toEqual(['sha256', 'sha512', 'a'.repeat(64)]);
  });
});

describe('parseBody and totalBytes', () => {
  it('give the object, and the sum', () => {
    expect(parseBody({ digest: at('0'), bytes: new TextEncoder().encode('{"a":1}') })).toEqual({ a: 1 });
    expect(totalBytes([layer('1', 4), layer('2', 5)])).toBe(9);
    expect(totalBytes([])).toBe(0);
  });
});
