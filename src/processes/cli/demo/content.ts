import { randomBytes } from 'node:crypto';
import { OCI_INDEX, OCI_MANIFEST, DOCKER_MANIFEST } from '../../../model/media-types.ts';
import { pushBlob, pushManifest, type Pushed } from './push.ts';

const OCI_CONFIG = 'application/vnd.oci.image.config.v1+json';
const OCI_LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';
const DOCKER_CONFIG = 'application/vnd.docker.container.image.v1+json';
const DOCKER_LAYER = 'application/vnd.docker.image.rootfs.diff.tar.gzip';
const EMPTY = 'application/vnd.oci.empty.v1+json';
const SIGNATURE = 'application/vnd.dev.cosign.simplesigning.v1+json';
const SBOM = 'application/spdx+json';

const MIB = 1024 * 1024;
const LARGE_LAYER_BYTES = 64 * MIB;

/** How an image is made; sizes in bytes, content is random. */
interface ImageOptions {
  readonly layers: readonly number[];
  readonly docker?: boolean;
  readonly architecture?: string;
  /** Shared with other images. */
  readonly base?: Pushed;
}

/** Fills a registry with a dozen images of the kinds that people have. @returns their references */
export async function fillPrimary(url: string): Promise<string[]> {
  const base = await pushBlob(url, 'library/base', randomBytes(3 * MIB), OCI_LAYER);
  await pushImage(url, 'library/base', 'latest', { layers: [], base });
  for (const tag of ['1.0', '1.1', '1.2', 'latest']) await pushImage(url, 'shop/web', tag, { layers: [MIB, 200_000] });
  for (const tag of ['2026.10', '2026.11']) await pushImage(url, 'shop/api', tag, { layers: [2 * MIB] });
  await pushImage(url, 'legacy/billing', '7.4', { layers: [MIB, 500_000], docker: true });
  await pushImage(url, 'ml/model', 'large', { layers: [LARGE_LAYER_BYTES] });
  const index = await pushIndex(url, 'tools/cli', 'v2');
  const signature = await pushSignature(url, 'tools/cli', index);
  const fallback = await pushSbom(url, 'tools/cli', index);
  return [
    'library/base:latest',
    ...['1.0', '1.1', '1.2', 'latest'].map((tag) => `shop/web:${tag}`),
    ...['2026.10', '2026.11'].map((tag) => `shop/api:${tag}`),
    'legacy/billing:7.4',
    'ml/model:large',
    'tools/cli:v2',
    `tools/cli:${signature}`,
    `tools/cli:${fallback}`,
  ];
}

/** Pushes one image under a tag, or under its digest alone. */
export async function pushImage(url: string, repository: string, tag: string | undefined, options: ImageOptions): Promise<Pushed> {
  const layers: Pushed[] = options.base ? [options.base] : [];
  for (const size of options.layers)
    layers.push(await pushBlob(url, repository, randomBytes(size), options.docker ? DOCKER_LAYER : OCI_LAYER));
  const diffIds = layers.map(({ digest }) => digest);
  const config = JSON.stringify({
    architecture: options.architecture ?? 'amd64',
    os: 'linux',
    rootfs: { type: 'layers', diff_ids: diffIds },
    created: new Date().toISOString(),
  });
  const configBlob = await pushBlob(url, repository, Buffer.from(config), options.docker ? DOCKER_CONFIG : OCI_CONFIG);
  const mediaType = options.docker ? DOCKER_MANIFEST : OCI_MANIFEST;
  return pushManifest(url, repository, tag, { schemaVersion: 2, mediaType, config: configBlob, layers });
}

async function pushIndex(url: string, repository: string, tag: string): Promise<Pushed> {
  const manifests: object[] = [];
  for (const architecture of ['amd64', 'arm64']) {
    const child = await pushImage(url, repository, undefined, { layers: [800_000], architecture });
    manifests.push({ ...child, platform: { os: 'linux', architecture } });
  }
  return pushManifest(url, repository, tag, { schemaVersion: 2, mediaType: OCI_INDEX, manifests });
}

/** As cosign does: a tag made of the signed digest. */
async function pushSignature(url: string, repository: string, subject: Pushed): Promise<string> {
  const payload = JSON.stringify({
    critical: {
      identity: { 'docker-reference': repository },
      image: { 'docker-manifest-digest': subject.digest },
      type: 'cosign container image signature',
    },
    optional: null,
  });
  const layer = await pushBlob(url, repository, Buffer.from(payload), SIGNATURE);
  const config = await pushBlob(
    url,
    repository,
    Buffer.from(JSON.stringify({ architecture: '', os: '', rootfs: { type: 'layers', diff_ids: [layer.digest] } })),
    OCI_CONFIG,
  );
  const tag = `${subject.digest.replace(':', '-')}.sig`;
  await pushManifest(url, repository, tag, { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer] });
  return tag;
}

/** As clients do where a registry has no referrers API: an index under a tag made of the subject's digest. */
async function pushSbom(url: string, repository: string, subject: Pushed): Promise<string> {
  const config = await pushBlob(url, repository, Buffer.from('{}'), EMPTY);
  const layer = await pushBlob(
    url,
    repository,
    Buffer.from(JSON.stringify({ spdxVersion: 'SPDX-2.3', name: repository, packages: [] })),
    SBOM,
  );
  const sbom = await pushManifest(url, repository, undefined, {
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    artifactType: SBOM,
    config,
    layers: [layer],
    subject,
  });
  const tag = subject.digest.replace(':', '-');
  await pushManifest(url, repository, tag, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [{ ...sbom, artifactType: SBOM }] });
  return tag;
}
