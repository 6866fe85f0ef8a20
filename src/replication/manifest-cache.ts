import type { Digest } from '../model/digest.ts';
import type { Manifest } from '../model/manifest.ts';

/** Manifests that the primary served lately, so that the next activity of a sync need not fetch them again. */
export interface ManifestCache {
  get(repository: string, digest: Digest): Manifest | undefined;
  put(repository: string, manifest: Manifest): void;
  /** Remembers what a tag was just read as. @param askedAt by `performance.now()`, before the request */
  saw(repository: string, tag: string, manifest: Manifest, askedAt: number): void;
  /** What the tag was read as, if that was just now; once, so that whoever looks again asks the primary. */
  takeSeen(repository: string, tag: string): Manifest | undefined;
}

/** A tag's manifest is believed for so long without being read again: before it is published the primary is asked for its digest in any case. */
const SEEN_MS = 30_000;
const MOST_SEEN = 10_000;

/** A cache that holds at most `maxBytes` of manifests and forgets the least recently used. */
export function createManifestCache(maxBytes: number): ManifestCache {
  const held = new Map<string, Manifest>();
  const seen = new Map<string, { readonly digest: Digest; readonly askedAt: number }>();
  let bytes = 0;
  const cache: ManifestCache = {
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
    saw(repository, tag, manifest, askedAt) {
      cache.put(repository, manifest);
      seen.delete(`${repository}:${tag}`);
      seen.set(`${repository}:${tag}`, { digest: manifest.digest, askedAt });
      if (seen.size > MOST_SEEN) seen.delete(seen.keys().next().value ?? '');
    },
    takeSeen(repository, tag) {
      const key = `${repository}:${tag}`;
      const last = seen.get(key);
      seen.delete(key);
      return last && performance.now() - last.askedAt < SEEN_MS ? cache.get(repository, last.digest) : undefined;
    },
  };
  return cache;
}
