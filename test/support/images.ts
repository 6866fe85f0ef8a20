import { createHash } from 'node:crypto';

/*
 * Test content, pushed over plain HTTP. Nothing here may come from src/: what checks the program must not share its mistakes.
 */

export const TYPES = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  ociConfig: 'application/vnd.oci.image.config.v1+json',
  ociLayer: 'application/vnd.oci.image.layer.v1.tar+gzip',
  ociEmpty: 'application/vnd.oci.empty.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
} as const;

/** What a push needs besides its content. */
export interface PushOptions {
  /** The whole `Authorization` header. */
  authorization?: string | undefined;
}

/** What points at pushed content. */
export interface Pushed {
  mediaType: string;
  digest: string;
  size: number;
}

/** A layer: so many incompressible bytes by any seed, by a seed of one's own, or these bytes. */
export type Layer = number | { seed: string; size: number } | Uint8Array;

/** A pushed image with what it is made of. */
export interface PushedImage extends Pushed {
  config: Pushed;
  layers: Pushed[];
  bytes: Buffer;
}

export interface ImageOptions extends PushOptions {
  layers?: Layer[];
  mediaType?: 'oci' | 'docker';
  /** Told apart by their configs: two images of the same layers and another `label` have different digests. */
  label?: string;
  annotations?: Record<string, string>;
  artifactType?: string;
  subject?: Pushed;
  /** Push under the digest alone. */
  untagged?: boolean;
}

/** `size` bytes that no compression shortens, the same for the same seed. */
export function randomBytes(seed: string, size: number): Buffer {
  const out = Buffer.alloc(size);
  // A counter under SHA-512: fast enough (300 MB/s) and the same everywhere.
  for (let at = 0, n = 0; at < size; n += 1) {
    at += createHash('sha512').update(`${seed}/${n}`).digest().copy(out, at);
  }
  return out;
}

/** `sha256:…` of some bytes. */
export function sha256(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** Pushes an image of random layers (one of 1,000 bytes if none are asked for) under a tag. */
export async function pushImage(url: string, repository: string, tag: string, options: ImageOptions = {}): Promise<PushedImage> {
  const docker = options.mediaType === 'docker';
  const layers: Pushed[] = [];
  for (const layer of options.layers ?? [1000]) {
    layers.push(
      await pushBlob(
        url,
        repository,
        layerBytes(layer, `${repository}:${tag}/${layers.length}`),
        docker ? TYPES.dockerLayer : TYPES.ociLayer,
        options,
      ),
    );
  }
  const body = {
    architecture: 'amd64',
    os: 'linux',
    config: { Labels: { test: options.label ?? `${repository}:${tag}` } },
    rootfs: { type: 'layers', diff_ids: layers.map((l) => l.digest) },
  };
  const config = await pushBlob(url, repository, Buffer.from(JSON.stringify(body)), docker ? TYPES.dockerConfig : TYPES.ociConfig, options);
  const mediaType = docker ? TYPES.dockerManifest : TYPES.ociManifest;
  const { artifactType, subject, annotations } = options;
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, artifactType, config, layers, subject, annotations }));
  const digest = sha256(bytes);
  await pushManifest(url, repository, options.untagged === true ? digest : tag, bytes, mediaType, options);
  return { mediaType, digest, size: bytes.length, config, layers, bytes };
}

export interface IndexOptions extends PushOptions {
  mediaType?: 'oci' | 'docker';
  /** Already pushed children instead of new ones. */
  children?: Pushed[];
  /** How many images to make for it, `linux/amd64`, `linux/arm64`, …; 2 if absent. */
  platforms?: number;
  layers?: Layer[];
  annotations?: Record<string, string>;
  /** Put it under its digest, not under the tag. */
  untagged?: boolean;
}

const ARCHITECTURES = ['amd64', 'arm64', 's390x', 'ppc64le', 'riscv64', 'loong64', '386', 'mips64le'];

/** Pushes an index (a manifest list) and its untagged children. */
export async function pushIndex(
  url: string,
  repository: string,
  tag: string,
  options: IndexOptions = {},
): Promise<Pushed & { children: Pushed[]; bytes: Uint8Array }> {
  const children: Pushed[] = [...(options.children ?? [])];
  for (let n = 0; options.children === undefined && n < (options.platforms ?? 2); n += 1) {
    const layers = options.layers ?? [{ seed: `${repository}:${tag}/${n}`, size: 1000 + n }];
    const made: ImageOptions = { ...options, layers, label: `${repository}:${tag}/${n}`, untagged: true };
    delete made.annotations;
    children.push(await pushImage(url, repository, tag, made));
  }
  const mediaType = options.mediaType === 'docker' ? TYPES.dockerList : TYPES.ociIndex;
  const manifests = children.map(({ mediaType: type, digest, size }, n) => ({
    mediaType: type,
    digest,
    size,
    platform: { os: 'linux', architecture: ARCHITECTURES[n % ARCHITECTURES.length] },
  }));
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, manifests, annotations: options.annotations }));
  const digest = sha256(bytes);
  await pushManifest(url, repository, options.untagged === true ? digest : tag, bytes, mediaType, options);
  return { mediaType, digest, size: bytes.length, children, bytes };
}

/** Pushes an index of an index of images; the registry must take indexes in indexes (both versions of Distribution do). */
export async function pushNestedIndex(
  url: string,
  repository: string,
  tag: string,
  options: IndexOptions = {},
): Promise<Pushed & { children: Pushed[] }> {
  const inner = await pushIndex(url, repository, `${tag}-inner`, options);
  const image = await pushImage(url, repository, tag, { ...options, label: `${repository}:${tag}/beside`, untagged: true });
  return pushIndex(url, repository, tag, { ...options, children: [inner, image] });
}

export interface ReferrerOptions extends PushOptions {
  artifactType?: string;
  content?: Uint8Array;
  annotations?: Record<string, string>;
}

/** Pushes an artifact that refers to `subject`, and keeps the fallback tag's index where the registry has no referrers API. */
export async function pushReferrer(url: string, repository: string, subject: Pushed, options: ReferrerOptions = {}): Promise<Pushed> {
  const artifactType = options.artifactType ?? 'application/vnd.example.sbom';
  const config = await pushBlob(url, repository, Buffer.from('{}'), TYPES.ociEmpty, options);
  const layer = await pushBlob(
    url,
    repository,
    options.content ?? randomBytes(`${artifactType}/${subject.digest}`, 300),
    artifactType,
    options,
  );
  const { mediaType, digest, size } = subject;
  const body = {
    schemaVersion: 2,
    mediaType: TYPES.ociManifest,
    artifactType,
    config,
    layers: [layer],
    subject: { mediaType, digest, size },
    annotations: options.annotations,
  };
  const bytes = Buffer.from(JSON.stringify(body));
  const referrer = { mediaType: TYPES.ociManifest, digest: sha256(bytes), size: bytes.length };
  const answer = await pushManifest(url, repository, referrer.digest, bytes, TYPES.ociManifest, options);
  if (answer.headers.get('oci-subject') === null)
    await addToFallbackIndex(url, repository, subject.digest, { ...referrer, artifactType }, options);
  return referrer;
}

async function addToFallbackIndex(url: string, repository: string, subject: string, referrer: object, options: PushOptions): Promise<void> {
  const tag = subject.replace(':', '-');
  const old = await send(url, `${repository}/manifests/${tag}`, { headers: { accept: TYPES.ociIndex } }, options, [200, 404]);
  const manifests = old.status === 200 ? ((await old.json()) as { manifests: object[] }).manifests : [];
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: TYPES.ociIndex, manifests: [...manifests, referrer] }));
  await pushManifest(url, repository, tag, bytes, TYPES.ociIndex, options);
}

/** Pushes what cosign writes beside an image: a manifest under the tag `sha256-<hex>.sig` (or `.att`, `.sbom`). */
export function pushCosign(
  url: string,
  repository: string,
  subject: Pushed,
  options: PushOptions & { suffix?: 'sig' | 'att' | 'sbom'; seed?: string } = {},
): Promise<PushedImage> {
  const suffix = options.suffix ?? 'sig';
  const layers = [{ seed: options.seed ?? `${suffix}/${subject.digest}`, size: 240 }];
  return pushImage(url, repository, `${subject.digest.replace(':', '-')}.${suffix}`, { ...options, layers });
}

/** Uploads one blob in a single request, if the repository lacks it. */
export async function pushBlob(
  url: string,
  repository: string,
  bytes: Uint8Array,
  mediaType: string,
  options: PushOptions = {},
): Promise<Pushed> {
  const digest = sha256(bytes);
  const found = await send(url, `${repository}/blobs/${digest}`, { method: 'HEAD' }, options, [200, 404]);
  if (found.status === 404) {
    const opened = await send(url, `${repository}/blobs/uploads/`, { method: 'POST' }, options, [202]);
    const location = new URL(opened.headers.get('location') ?? '', url);
    location.searchParams.set('digest', digest);
    const headers = { 'content-type': 'application/octet-stream' };
    await send(location.href, '', { method: 'PUT', body: bytes as Uint8Array<ArrayBuffer>, headers }, options, [201]);
  }
  return { mediaType, digest, size: bytes.length };
}

/** Puts manifest bytes under a tag or digest. */
export function pushManifest(
  url: string,
  repository: string,
  reference: string,
  bytes: Uint8Array,
  mediaType: string,
  options: PushOptions = {},
): Promise<Response> {
  const request = { method: 'PUT', headers: { 'content-type': mediaType }, body: bytes as Uint8Array<ArrayBuffer> };
  return send(url, `${repository}/manifests/${reference}`, request, options, [201]);
}

/** Deletes a manifest by digest, or a tag where the registry can (version 3). */
export async function deleteManifest(url: string, repository: string, reference: string, options: PushOptions = {}): Promise<void> {
  await send(url, `${repository}/manifests/${reference}`, { method: 'DELETE' }, options, [202]);
}

function layerBytes(layer: Layer, seed: string): Uint8Array {
  if (layer instanceof Uint8Array) return layer;
  return typeof layer === 'number' ? randomBytes(seed, layer) : randomBytes(layer.seed, layer.size);
}

async function send(url: string, path: string, init: RequestInit, options: PushOptions, expected: number[]): Promise<Response> {
  const target = path === '' ? url : `${url}/v2/${path}`;
  const headers = {
    ...(init.headers as Record<string, string>),
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
  };
  const response = await fetch(target, { ...init, headers });
  if (!expected.includes(response.status)) {
    throw new Error(`${init.method ?? 'GET'} ${target} answered ${response.status}: ${(await response.text()).slice(0, 500)}`);
  }
  // An unread body holds its connection.
  if (init.method !== undefined) await response.arrayBuffer();
  return response;
}
