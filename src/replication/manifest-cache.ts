import type { Digest } from '../model/digest.ts';
import type { Manifest } from '../model/manifest.ts';

/** Manifests that the primary served lately, so that the next activity of a sync need not fetch them again. */
export interface ManifestCache {
  get(repository: string, digest: Digest): Manifest | undefined;
  put(repository: string, manifest: Manifest): void;
}

/** A cache that holds at most `maxBytes` of manifests and forgets the least recently used. */
export function createManifestCache(maxBytes: number): ManifestCache {
  const held = new Map<string, Manifest>();
  let bytes = 0;
  return {
    get(repository, digest) {
      const key = `${repository}@${digest}`;
      const manifest = held.get(key);
      if (manifest) {
        held.delete(key);
        held.set(key, manifest);
      }
      return manifest;
    },
    put(repository, manifest) {
      const key = `${repository}@${manifest.digest}`;
      if (held.has(key) || manifest.size > maxBytes) return;
      held.set(key, manifest);
      bytes += manifest.size;
      for (const [oldest, old] of held) {
        if (bytes <= maxBytes) break;
        held.delete(oldest);
        bytes -= old.size;
      }
    },
  };
}
