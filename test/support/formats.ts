import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { pushBlob, pushImage, pushIndex, pushManifest, randomBytes, sha256, TYPES, type Pushed } from './images.ts';

/*
 * The rarer formats, pushed over plain HTTP. As in images.ts, nothing here comes from src/.
 */

export const SCHEMA1 = 'application/vnd.docker.distribution.manifest.v1+json';
export const SCHEMA1_SIGNED = 'application/vnd.docker.distribution.manifest.v1+prettyjws';
export const OCI_ARTIFACT = 'application/vnd.oci.artifact.manifest.v1+json';
export const FOREIGN_LAYER = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
export const NONDISTRIBUTABLE_LAYER = 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip';
export const BUILDKIT_CACHE = 'application/vnd.buildkit.cacheconfig.v0';

/**
 * Signs a schema 1 body the way Docker's libtrust does: the signature goes into the text before its last brace, and says where that was.
 * @see https://github.com/distribution/distribution/blob/v2.8.2/docs/spec/manifest-v2-1.md#signed-manifests
 */
export function signSchema1(payload: string): Uint8Array {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const tail = /\s*\}\s*$/.exec(payload)?.[0] ?? '';
  const head = payload.slice(0, payload.length - tail.length);
  const formatted = { formatLength: Buffer.byteLength(head), formatTail: base64url(tail), time: '2026-11-25T00:00:00Z' };
  const protectedHeader = base64url(JSON.stringify(formatted));
  const signature = sign('sha256', Buffer.from(`${protectedHeader}.${base64url(payload)}`), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' });
  const header = { jwk: { crv, kid: libtrustId(publicKey), kty, x, y }, alg: 'ES256' };
  const signatures = [{ header, signature: signature.toString('base64url'), protected: protectedHeader }];
  return Buffer.from(`${head},\n   "signatures": ${JSON.stringify(signatures)}${tail}`);
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

function libtrustId(key: KeyObject): string {
  const bytes = createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, 30);
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const letters = bits.replace(/.{5}/g, (five) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[parseInt(five, 2)] ?? '');
  return letters.match(/.{4}/g)?.join(':') ?? '';
}

/** Pushes a signed schema 1 image of three layers, one of them twice, for registries that take it. @returns its digest, that of what is signed */
export async function pushSchema1(url: string, repository: string, tag: string): Promise<Pushed> {
  const layers = [];
  for (const n of [1, 2]) layers.push(await pushBlob(url, repository, randomBytes(`${repository}:${tag}/${n}`, 900 + n), '', {}));
  const [base, top] = layers.map(({ digest }) => ({ blobSum: digest }));
  const fsLayers = [top, base, base];
  const history = fsLayers.map((_, n) => ({ v1Compatibility: JSON.stringify({ id: String(n).repeat(64), author: 'Zoë' }) }));
  const payload = JSON.stringify({ schemaVersion: 1, name: repository, tag, architecture: 'amd64', fsLayers, history }, null, 3);
  const bytes = signSchema1(payload);
  await pushManifest(url, repository, tag, bytes, SCHEMA1_SIGNED);
  return { mediaType: SCHEMA1_SIGNED, digest: sha256(Buffer.from(payload)), size: bytes.length };
}

/** Pushes what BuildKit's registry cache wrote before `image-manifest=true`: an index, or a manifest list, of layers and a config. */
export async function pushCacheIndex(url: string, repository: string, tag: string, type: 'oci' | 'docker' = 'oci'): Promise<Pushed> {
  const layerType = type === 'oci' ? TYPES.ociLayer : TYPES.dockerLayer;
  const manifests = [await pushBlob(url, repository, randomBytes(`${tag}/1`, 700), layerType)];
  manifests.push(
    await pushBlob(url, repository, Buffer.from(JSON.stringify({ layers: [{ blob: manifests[0]?.digest }] })), BUILDKIT_CACHE),
  );
  return push(url, repository, tag, { manifests }, type === 'oci' ? TYPES.ociIndex : TYPES.dockerList);
}

export interface ForeignOptions {
  readonly type?: string;
  readonly urls?: readonly string[];
  /** The registry holds the bytes too. */
  readonly held?: boolean;
}

/** Pushes an image of one layer of its own and one foreign one. @returns it, and the foreign layer */
export async function pushForeign(
  url: string,
  repository: string,
  tag: string,
  { type = FOREIGN_LAYER, urls, held = false }: ForeignOptions,
): Promise<Pushed & { foreign: Pushed }> {
  const bytes = randomBytes(`${tag}/foreign`, 1_500);
  const foreign = { mediaType: type, digest: sha256(bytes), size: bytes.length };
  if (held) await pushBlob(url, repository, bytes, type);
  const docker = type === FOREIGN_LAYER;
  const config = await pushBlob(url, repository, Buffer.from(`{"of":"${tag}"}`), docker ? TYPES.dockerConfig : TYPES.ociConfig);
  const own = await pushBlob(url, repository, randomBytes(`${tag}/own`, 600), docker ? TYPES.dockerLayer : TYPES.ociLayer);
  const layers = [{ ...foreign, ...(urls ? { urls } : {}) }, own];
  const image = await push(url, repository, tag, { config, layers }, docker ? TYPES.dockerManifest : TYPES.ociManifest);
  return { ...image, foreign };
}

/** Pushes an image whose layer is named by SHA-512. */
export async function pushSha512(url: string, repository: string, tag: string): Promise<Pushed> {
  const bytes = randomBytes(`${tag}/sha512`, 1_200);
  const digest = `sha512:${createHash('sha512').update(bytes).digest('hex')}`;
  await postBlobAs(url, repository, digest, bytes);
  const config = await pushBlob(url, repository, Buffer.from(`{"of":"${tag}"}`), TYPES.ociConfig);
  return push(url, repository, tag, { config, layers: [{ mediaType: TYPES.ociLayer, digest, size: bytes.length }] });
}

async function postBlobAs(url: string, repository: string, digest: string, bytes: Uint8Array): Promise<void> {
  const opened = await fetch(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' });
  const location = new URL(opened.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digest);
  const headers = { 'content-type': 'application/octet-stream' };
  const put = await fetch(location, { method: 'PUT', headers, body: bytes as Uint8Array<ArrayBuffer> });
  if (put.status !== 201) throw new Error(`PUT of a blob by SHA-512 answered ${put.status}: ${await put.text()}`);
}

/** Pushes a manifest of a config and layers of any types. */
export async function pushArtifact(
  url: string,
  repository: string,
  tag: string,
  parts: { config: string; layers: readonly string[]; more?: Record<string, unknown> },
): Promise<Pushed> {
  const config = await pushBlob(url, repository, Buffer.from(parts.config === TYPES.ociEmpty ? '{}' : `{"of":"${tag}"}`), parts.config);
  const layers: Pushed[] = [];
  for (const [n, type] of parts.layers.entries()) layers.push(await pushBlob(url, repository, randomBytes(`${tag}/${n}`, 400 + n), type));
  return push(url, repository, tag, { config, layers, ...parts.more });
}

/** Formats that are OCI manifests with types of their own: nothing may depend on knowing those. */
export const ARTIFACTS: Readonly<Record<string, Parameters<typeof pushArtifact>[3]>> = {
  zstd: { config: TYPES.ociConfig, layers: ['application/vnd.oci.image.layer.v1.tar+zstd', TYPES.ociLayer] },
  wasm: { config: 'application/vnd.wasm.config.v0+json', layers: ['application/wasm'] },
  model: {
    config: 'application/vnd.cncf.model.config.v1+json',
    layers: ['application/vnd.cncf.model.weight.v1.raw', 'application/x-safetensors'],
    more: { artifactType: 'application/vnd.cncf.model.manifest.v1+json' },
  },
  helm: {
    config: 'application/vnd.cncf.helm.config.v1+json',
    layers: ['application/vnd.cncf.helm.chart.content.v1.tar+gzip', 'application/vnd.cncf.helm.chart.provenance.v1.prov'],
    more: { annotations: { 'org.opencontainers.image.title': 'chart' } },
  },
  'buildkit-image': { config: BUILDKIT_CACHE, layers: [TYPES.ociLayer, TYPES.ociLayer] },
  artifact: { config: TYPES.ociEmpty, layers: ['text/plain'], more: { artifactType: 'application/vnd.example.thing' } },
};

/** Pushes an artifact whose only layer is the empty descriptor, its content written inline as `data`. */
export async function pushInline(url: string, repository: string, tag: string): Promise<Pushed> {
  const empty = await pushBlob(url, repository, Buffer.from('{}'), TYPES.ociEmpty);
  const inline = { ...empty, data: Buffer.from('{}').toString('base64') };
  return push(url, repository, tag, { artifactType: 'application/vnd.example.inline', config: inline, layers: [inline] });
}

/** Pushes an artifact manifest of the type that was withdrawn from OCI 1.1. */
export async function pushWithdrawnArtifact(url: string, repository: string, tag: string, mediaType = OCI_ARTIFACT): Promise<Pushed> {
  const blob = await pushBlob(url, repository, randomBytes(tag, 300), 'text/plain');
  const bytes = Buffer.from(JSON.stringify({ mediaType, artifactType: 'text/plain', blobs: [blob] }));
  await pushManifest(url, repository, tag, bytes, mediaType);
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** Puts a manifest of these fields under a tag. */
export async function push(
  url: string,
  repository: string,
  tag: string,
  fields: Record<string, unknown>,
  mediaType: string = TYPES.ociManifest,
): Promise<Pushed> {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...fields }));
  await pushManifest(url, repository, tag, bytes, mediaType);
  return { mediaType, digest: sha256(bytes), size: bytes.length };
}

/** Everything that every registry takes, a tag each; those whose registry wants help are pushed one by one. */
export async function pushCorpus(url: string, repository: string): Promise<void> {
  const image = await pushImage(url, repository, 'oci', { layers: [800, 90_000] });
  await pushImage(url, repository, 'docker', { mediaType: 'docker' });
  await pushIndex(url, repository, 'index');
  await pushIndex(url, repository, 'list', { mediaType: 'docker' });
  const inner = await pushIndex(url, repository, 'inner');
  await pushIndex(url, repository, 'nested', { children: [inner, image] });
  for (const [tag, parts] of Object.entries(ARTIFACTS)) await pushArtifact(url, repository, tag, parts);
  await pushInline(url, repository, 'inline');
}
