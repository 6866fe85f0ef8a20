import { pushBlob, pushImage, pushManifest, randomBytes, sha256, TYPES, type Pushed } from '../support/images.ts';
import type { QuirkRule } from '../support/quirk-proxy.ts';
import type { WireCase } from './cases.ts';

const BLOBS = /\/blobs\/sha256:/;
const MIB = 1024 * 1024;

/** A manifest as it would be served, said to have a digest that it may not have. */
interface Lie {
  readonly body: string | Uint8Array;
  readonly digest?: string;
  readonly type?: string;
}

/** What the primary serves under the tag, or a digest, in place of what it holds: a registry takes none of it. */
function served({ body, digest = sha256(Buffer.from(body)), type = TYPES.ociManifest }: Lie, reference = 'v1'): QuirkRule[] {
  const answer = { status: 200, headers: { 'content-type': type, 'docker-content-digest': digest }, body };
  return [reference, digest].map((name) => ({ path: new RegExp(`/manifests/${name}$`), answer }));
}

/** The image that was pushed, changed. */
function changed(change: (layer: Pushed) => object): (image: Pushed) => QuirkRule[] {
  return (image) => {
    const { bytes } = image as Pushed & { bytes: Buffer };
    const body = JSON.parse(bytes.toString()) as { layers: Pushed[] };
    return served({ body: JSON.stringify({ ...body, layers: body.layers.map(change) }) });
  };
}

const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const beginning = (image: Pushed): string => (image as Pushed & { bytes: Buffer }).bytes.toString().replace(/\}\s*$/u, '');

/** What a primary may be made to serve: each is refused for what it is, or is replicated. */
export const CONTENT_CASES: readonly WireCase[] = [
  { row: 'size-negative', primary: changed((layer) => ({ ...layer, size: -1 })), ends: /no usable size/u, scan: true },
  { row: 'size-beyond', primary: changed((layer) => ({ ...layer, size: 2 ** 60 })), ends: /no usable size/u, scan: true },
  { row: 'size-huge', primary: changed((layer) => ({ ...layer, size: 9e15 })), ends: /descriptor says 9000000000000000/u },
  { row: 'size-wrong', primary: changed((layer) => ({ ...layer, size: layer.size + 1 })), ends: /descriptor says 1001/u },
  {
    row: 'blob-larger',
    image: { layers: [{ seed: 'larger', size: 64 * MIB }] },
    primary: changed((layer) => ({ ...layer, size: 1_000 })),
    ends: /serves 67108864 bytes .* descriptor says 1000/u,
    // What lies in buffers when it is turned away from, however often it is tried.
    readsAtMost: 16 * MIB,
  },
  { row: 'length-missing', primary: [{ method: 'GET', path: BLOBS, dropHeaders: ['content-length'] }], ends: /how long/u },
  {
    row: 'index-of-itself',
    primary: ({ digest }) => served({ ...indexOf(digest), digest }),
    ends: /hash/u,
  },
  {
    row: 'index-cycle',
    // The first names the second honestly; the second, under that digest, names the first.
    primary: () => {
      const second = sha256(Buffer.from('nothing hashes to this'));
      const first = indexOf(second);
      return [...served(first), ...served({ ...indexOf(sha256(Buffer.from(first.body))), digest: second }, second)];
    },
    ends: /hash/u,
  },
  { row: 'index-deep', push: nestedIndexes, ends: /nested more than 16 deep/u, replaced: true },
  {
    row: 'json-deep',
    primary: (image) => served({ body: `${beginning(image)},"annotations":{"a":"b"},"x":${nested(100_000)}}` }),
    ends: /./u,
    scan: true,
  },
  { row: 'json-endless', primary: () => served({ body: randomBytes('json', 16 * MIB) }), ends: /8 MiB|8388608/u, scan: true },
  { row: 'json-none', primary: () => served({ body: '{"schemaVersion":2,"layers":[' }), ends: /JSON/u, scan: true },
  { row: 'json-keys-twice', push: pushEdited((text) => text.replace('"layers":', '"layers":[],"layers":')), ends: 'survived' },
  {
    row: 'json-keys-alike',
    push: pushEdited((text) => text.replace('"layers":', '"layers":[],"Layers":')),
    ends: /Layers/u,
    replaced: true,
  },
  { row: 'layers-2000', push: manyLayers, ends: 'survived', withinMs: 180_000 },
  { row: 'manifest-4-mib', push: largeManifest, ends: 'survived' },
];

function indexOf(digest: string): Required<Pick<Lie, 'body' | 'type'>> {
  const manifests = [{ mediaType: TYPES.ociIndex, digest, size: 300 }];
  return { type: TYPES.ociIndex, body: JSON.stringify({ schemaVersion: 2, mediaType: TYPES.ociIndex, manifests }) };
}

async function nestedIndexes(url: string, repository: string): Promise<Pushed> {
  const image = await pushImage(url, repository, 'v1', { untagged: true });
  let { digest, size, mediaType } = image;
  for (let depth = 1; depth <= 20; depth++) {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: TYPES.ociIndex, manifests: [{ mediaType, digest, size }] }));
    [digest, size, mediaType] = [sha256(bytes), bytes.length, TYPES.ociIndex];
    await pushManifest(url, repository, depth === 20 ? 'v1' : digest, bytes, mediaType);
  }
  return { digest, size, mediaType };
}

/** An image whose manifest is changed by hand: both versions of Distribution take these. */
function pushEdited(edit: (text: string) => string): NonNullable<WireCase['push']> {
  return async (url, repository) => {
    const { bytes, mediaType } = await pushImage(url, repository, 'v1', { untagged: true });
    const edited = Buffer.from(edit(bytes.toString()));
    await pushManifest(url, repository, 'v1', edited, mediaType);
    return { mediaType, digest: sha256(edited), size: edited.length };
  };
}

async function manyLayers(url: string, repository: string): Promise<Pushed> {
  const blobs: Promise<Pushed>[] = [];
  for (let n = 0; n < 2_000; n++) {
    blobs.push(pushBlob(url, repository, Buffer.from(`layer ${n}`), TYPES.ociLayer));
    if (n % 16 === 15) await Promise.all(blobs.slice(-16));
  }
  return pushManifestOf(url, repository, { layers: await Promise.all(blobs) });
}

/** A little below what Distribution takes: 4 MiB. */
async function largeManifest(url: string, repository: string): Promise<Pushed> {
  const layers = [await pushBlob(url, repository, randomBytes(repository, 1_000), TYPES.ociLayer)];
  return pushManifestOf(url, repository, { layers, annotations: { 'org.example.long': 'x'.repeat(4 * MIB - 1_000) } });
}

async function pushManifestOf(url: string, repository: string, parts: object): Promise<Pushed> {
  const config = await pushBlob(url, repository, Buffer.from('{}'), TYPES.ociConfig);
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: TYPES.ociManifest, config, ...parts }));
  await pushManifest(url, repository, 'v1', bytes, TYPES.ociManifest);
  return { mediaType: TYPES.ociManifest, digest: sha256(bytes), size: bytes.length };
}
