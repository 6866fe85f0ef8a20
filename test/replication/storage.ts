import { join } from 'node:path';
import { readdir } from 'node:fs/promises';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';

const ROOT = 'data/docker/registry/v2';

/** Where a registry keeps the bytes of a blob or manifest: for what goes wrong behind its back. */
export function contentFile(registry: EmbeddedRegistry, digest: string): string {
  const hex = digest.slice('sha256:'.length);
  return join(registry.dir, ROOT, 'blobs/sha256', hex.slice(0, 2), hex, 'data');
}

/** Uploads whose bytes still lie there; Distribution itself leaves an empty hash state behind when it removes one. */
export async function openUploads(registry: EmbeddedRegistry, repository: string): Promise<string[]> {
  const folder = join(registry.dir, ROOT, 'repositories', repository, '_uploads');
  const files = await readdir(folder, { recursive: true }).catch(() => []);
  return files.filter((file) => file.endsWith('/data') || file.endsWith('/startedat'));
}
