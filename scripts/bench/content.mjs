import { createCipheriv, createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';

/*
 * What the tools are given to copy. It is made from a seed, so that every run and every machine has the same bytes, and they cannot be
 * compressed.
 */

const MIB = 2 ** 20;
export const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
export const CONFIG = 'application/vnd.oci.image.config.v1+json';
export const LAYER = 'application/vnd.oci.image.layer.v1.tar';

/** The works' contents: the repositories with their tags, each a list of the blobs that it consists of (`{ name, size }`; the first is its config). */
export const CONTENTS = {
  /** 8 images of 1.2 GiB in all: a base layer that all have, and two of their own. */
  large: (seed) =>
    repositories(8, (at) => ({
      latest: [
        blob(`${seed}/config/${at}`, 1500),
        blob(`${seed}/base`, 272 * MIB),
        blob(`${seed}/middle/${at}`, 96 * MIB),
        blob(`${seed}/top/${at}`, 23 * MIB),
      ],
    })),
  /** 1,000 images in 40 repositories, which have a layer in common. */
  small: (seed) =>
    repositories(40, (at) =>
      Object.fromEntries(
        Array.from({ length: 25 }, (_, tag) => [
          `v${tag}`,
          [blob(`${seed}/config/${at}/${tag}`, 1500), blob(`${seed}/base/${at}`, 16_384), blob(`${seed}/top/${at}/${tag}`, 4096)],
        ]),
      ),
    ),
  /** One layer of 384 MiB. */
  layer: (seed) => repositories(1, () => ({ latest: [blob(`${seed}/config`, 1500), blob(`${seed}/layer`, 384 * MIB)] })),
  /** 100 images of 1 MiB, in 4 repositories. */
  lost: (seed) =>
    repositories(4, (at) =>
      Object.fromEntries(
        Array.from({ length: 25 }, (_, tag) => [
          `v${tag}`,
          [blob(`${seed}/config/${at}/${tag}`, 1500), blob(`${seed}/top/${at}/${tag}`, MIB)],
        ]),
      ),
    ),
  /** One small image, of which nothing is there yet. */
  push: (seed) => [blob(`${seed}/config`, 1500), blob(`${seed}/layer`, 4096)],
};

function repositories(count, tags) {
  return new Map(Array.from({ length: count }, (_, at) => [`bench/app-${at}`, tags(at)]));
}

function blob(name, size) {
  return { name, size };
}

/** Pushes a content; the same blob is sent once and mounted from then on. */
export async function push(url, content) {
  const kept = new Map();
  for (const [repository, tags] of content) {
    for (const [tag, blobs] of Object.entries(tags)) await pushTag(url, repository, tag, blobs, kept);
  }
}

/** Pushes one image, given as its blobs. @returns its digest */
export async function pushTag(url, repository, tag, blobs, kept = new Map()) {
  const descriptors = [];
  for (const [at, each] of blobs.entries()) descriptors.push(await pushBlob(url, repository, each, at === 0 ? CONFIG : LAYER, kept));
  const [config, ...layers] = descriptors;
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers });
  const put = fetch(`${url}/v2/${repository}/manifests/${tag}`, { method: 'PUT', headers: { 'content-type': MANIFEST }, body });
  return (await ok(put)).headers.get('docker-content-digest');
}

async function pushBlob(url, repository, { name, size }, mediaType, kept) {
  const known = kept.get(name);
  if (known?.repositories.has(repository)) return known.descriptor;
  const at = `${url}/v2/${repository}/blobs/uploads/`;
  if (known) {
    const [from] = known.repositories;
    await ok(fetch(`${at}?mount=${known.descriptor.digest}&from=${from}`, { method: 'POST' }), 201);
    known.repositories.add(repository);
    return known.descriptor;
  }
  const bytes = bytesOf(name, size);
  const digest = digestOf(bytes);
  const location = new URL((await ok(fetch(at, { method: 'POST' }))).headers.get('location'), url);
  location.searchParams.set('digest', digest);
  await ok(fetch(location, { method: 'PUT', body: bytes, headers: { 'content-type': 'application/octet-stream' } }));
  const descriptor = { mediaType, digest, size };
  kept.set(name, { descriptor, repositories: new Set([repository]) });
  return descriptor;
}

function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A registry loses a blob: its link in the repository, and its bytes, as after a deletion and a garbage collection. */
export async function loseBlob(registry, repository, { name, size }) {
  const digest = digestOf(bytesOf(name, size));
  await ok(fetch(`${registry.url}/v2/${repository}/blobs/${digest}`, { method: 'DELETE' }), 202);
  const [algorithm, hex] = digest.split(':');
  await rm(join(registry.dir, 'data/docker/registry/v2/blobs', algorithm, hex.slice(0, 2), hex), { recursive: true });
  const isThere = async () => {
    const response = await fetch(`${registry.url}/v2/${repository}/blobs/${digest}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    return response.status === 200 && digestOf(bytes) === digest;
  };
  if (await isThere()) throw new Error(`${repository} has ${digest} still`);
  return isThere;
}

/** The key stream of a cipher: as fast as memory, and the same everywhere. */
function bytesOf(name, size) {
  const key = createHash('sha256').update(name).digest().subarray(0, 16);
  return createCipheriv('aes-128-ctr', key, Buffer.alloc(16)).update(Buffer.alloc(size));
}

/** Each tag's digest at a registry, as `repository:tag digest` lines in order. */
export async function digestsAt(url, content) {
  const lines = [];
  for (const [repository, tags] of content) {
    const asked = Object.keys(tags).map(async (tag) => {
      const headers = { accept: MANIFEST };
      const response = await fetch(`${url}/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers });
      return `${repository}:${tag} ${response.status === 200 ? response.headers.get('docker-content-digest') : response.status}`;
    });
    lines.push(...(await Promise.all(asked)));
  }
  return lines.join('\n');
}

async function ok(pending, status) {
  const response = await pending;
  const body = await response.text();
  if (status === undefined ? response.ok : response.status === status) return response;
  throw new Error(`${response.url} answered ${response.status}: ${body.slice(0, 200)}`);
}
