import { createHash } from 'node:crypto';
import { sha256, TYPES, type PushOptions } from './images.ts';

/** All that a registry holds, as found by reading it; made to be compared. */
export interface Holdings {
  /** By repository and tag: the digest of the bytes that the tag serves. */
  tags: Record<string, Record<string, string>>;
  /** `repository@digest` → its content type, for every manifest that can be reached from a tag or a referrers list. */
  manifests: Record<string, string>;
  /** `repository@digest` → its size, for every blob that they name. */
  blobs: Record<string, number>;
  /** What does not hold together: unreadable children, bytes that are not their digest. */
  problems: string[];
}

export interface WalkOptions extends PushOptions {
  /** `full` downloads and hashes each blob (the default); `head` believes its HEAD. */
  blobs?: 'full' | 'head';
  /** Only these repositories. */
  repositories?: string[];
}

const ACCEPT = [
  TYPES.ociManifest,
  TYPES.ociIndex,
  TYPES.dockerManifest,
  TYPES.dockerList,
  'application/vnd.oci.artifact.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v1+prettyjws',
  'application/vnd.docker.distribution.manifest.v1+json',
  '*/*;q=0.1',
].join(', ');

interface Content {
  mediaType?: string;
  digest: string;
  size?: number;
  urls?: string[];
}

interface Body {
  manifests?: Content[];
  config?: Content;
  layers?: Content[];
  blobs?: Content[];
  fsLayers?: { blobSum: string }[];
  signatures?: { protected: string }[];
}

/** Reads a whole registry: catalog, tags, manifests with their children, fallback tags and referrers, and every blob. Shares nothing with the program. */
export async function walk(url: string, options: WalkOptions = {}): Promise<Holdings> {
  const found: Holdings = { tags: {}, manifests: {}, blobs: {}, problems: [] };
  const repositories = options.repositories ?? (await pages(url, '/v2/_catalog?n=100', 'repositories', options));
  for (const repository of repositories.sort()) {
    const listed = (await pages(url, `/v2/${repository}/tags/list?n=100`, 'tags', options)).sort();
    // What tags of a secondary lost stays tagged there for a while, and is no image; nor is what says that one was set back.
    const tags = listed.filter((tag) => !/^twinport-(?:keep|undone)-/.test(tag));
    // An emptied repository stays in the catalog of Distribution: it holds nothing, as does one that was never there.
    if (tags.length > 0) found.tags[repository] = {};
    for (const tag of tags) {
      const digest = await walkManifest(url, repository, tag, found, options);
      if (digest !== undefined) found.tags[repository] = { ...found.tags[repository], [tag]: digest };
    }
  }
  found.manifests = sorted(found.manifests);
  found.blobs = sorted(found.blobs);
  return found;
}

/** What `b` lacks, has besides, or holds otherwise than `a`, a line each; empty if they are equal. */
export function difference(a: Holdings, b: Holdings): string[] {
  const lines: string[] = [...a.problems.map((p) => `first: ${p}`), ...b.problems.map((p) => `second: ${p}`)];
  const flat = (h: Holdings) => ({
    tag: Object.fromEntries(Object.entries(h.tags).flatMap(([r, tags]) => Object.entries(tags).map(([t, d]) => [`${r}:${t}`, d]))),
    manifest: h.manifests,
    blob: h.blobs,
  });
  const [left, right] = [flat(a), flat(b)];
  for (const kind of ['tag', 'manifest', 'blob'] as const) {
    const [before, after]: Record<string, string | number>[] = [left[kind], right[kind]];
    for (const name of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
      const [was, is] = [before?.[name], after?.[name]];
      if (was !== is) lines.push(`${kind} ${name}: ${was ?? 'absent'} in the first, ${is ?? 'absent'} in the second`);
    }
  }
  return lines;
}

async function walkManifest(
  url: string,
  repository: string,
  reference: string,
  found: Holdings,
  options: WalkOptions,
): Promise<string | undefined> {
  if (`${repository}@${reference}` in found.manifests) return reference;
  const response = await get(`${url}/v2/${repository}/manifests/${reference}`, options, { accept: ACCEPT });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) {
    found.problems.push(`${repository} ${reference}: ${response.status} ${bytes.toString().slice(0, 200)}`);
    return undefined;
  }
  const body = JSON.parse(bytes.toString()) as Body;
  const digest = sha256(signedPart(bytes, body));
  if (reference.startsWith('sha256:') && reference !== digest)
    found.problems.push(`${repository}@${reference}: the bytes hash to ${digest}`);
  const key = `${repository}@${digest}`;
  if (key in found.manifests) return digest;
  found.manifests[key] = response.headers.get('content-type') ?? '';
  const schema1 = (body.fsLayers ?? []).map(({ blobSum }) => ({ digest: blobSum }));
  const blobs: (Content | undefined)[] = [body.config, ...(body.layers ?? []), ...(body.blobs ?? []), ...schema1];
  for (const child of body.manifests ?? []) {
    // BuildKit's older cache is an index of blobs.
    if (/layer|rootfs|cacheconfig/.test(child.mediaType ?? '')) blobs.push(child);
    else await walkManifest(url, repository, child.digest, found, options);
  }
  for (const blob of blobs) if (blob) await walkBlob(url, repository, blob, found, options);
  for (const referrer of await referrers(url, repository, digest, options)) await walkManifest(url, repository, referrer, found, options);
  return digest;
}

async function walkBlob(url: string, repository: string, blob: Content, found: Holdings, options: WalkOptions): Promise<void> {
  const key = `${repository}@${blob.digest}`;
  if (key in found.blobs) return;
  const where = `${url}/v2/${repository}/blobs/${blob.digest}`;
  const response = await get(where, options, {}, options.blobs === 'head' ? 'HEAD' : 'GET');
  if (response.status !== 200) {
    await response.arrayBuffer();
    // Its bytes lie elsewhere.
    if (response.status === 404 && (blob.urls ?? []).length > 0) return;
    found.problems.push(`blob ${key}: ${response.status}`);
    return;
  }
  if (options.blobs === 'head') {
    found.blobs[key] = Number(response.headers.get('content-length'));
  } else {
    const { size, digest } = await hashed(response, blob.digest.split(':')[0] ?? '');
    found.blobs[key] = size;
    if (digest !== blob.digest) found.problems.push(`blob ${key}: the bytes hash to ${digest}`);
  }
  if (blob.size !== undefined && found.blobs[key] !== blob.size)
    found.problems.push(`blob ${key}: ${found.blobs[key]} bytes, its descriptor says ${blob.size}`);
}

/** A schema 1 manifest's signatures are no part of its digest. */
function signedPart(bytes: Buffer, { signatures }: Body): Buffer {
  const header = signatures?.[0]?.protected;
  if (header === undefined) return bytes;
  const cut = JSON.parse(Buffer.from(header, 'base64url').toString()) as { formatLength: number; formatTail: string };
  return Buffer.concat([bytes.subarray(0, cut.formatLength), Buffer.from(cut.formatTail, 'base64url')]);
}

async function hashed(response: Response, algorithm: string): Promise<{ size: number; digest: string }> {
  const hash = createHash(algorithm);
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, digest: `${algorithm}:${hash.digest('hex')}` };
}

async function referrers(url: string, repository: string, digest: string, options: WalkOptions): Promise<string[]> {
  const response = await get(`${url}/v2/${repository}/referrers/${digest}`, options, {});
  const text = await response.text();
  if (response.status !== 200) return [];
  return ((JSON.parse(text) as Body).manifests ?? []).map((referrer) => referrer.digest);
}

async function pages(url: string, path: string, field: 'repositories' | 'tags', options: WalkOptions): Promise<string[]> {
  const all = new Set<string>();
  for (let next: string | undefined = new URL(path, url).href; next !== undefined;) {
    const response = await get(next, options, {});
    const text = await response.text();
    if (response.status === 404 && field === 'tags') return [];
    if (response.status !== 200) throw new Error(`GET ${next} answered ${response.status}: ${text.slice(0, 300)}`);
    for (const name of (JSON.parse(text) as Record<string, string[] | null>)[field] ?? []) all.add(name);
    const link = /<([^>]+)>;\s*rel="?next/.exec(response.headers.get('link') ?? '')?.[1];
    next = link === undefined ? undefined : new URL(link, next).href;
  }
  return [...all];
}

function get(url: string, options: WalkOptions, headers: Record<string, string>, method = 'GET'): Promise<Response> {
  return fetch(url, {
    method,
    headers: { ...headers, ...(options.authorization === undefined ? {} : { authorization: options.authorization }) },
  });
}

function sorted<T>(record: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
}
