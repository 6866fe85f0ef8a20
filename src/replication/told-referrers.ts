import { parseBody, type Manifest } from '../model/manifest.ts';
import { toldReferrers, type Referrer, type Referrers } from '../model/referrers.ts';
import type { Closure } from './closure.ts';

/** A tag under which clients keep the list of what refers to a digest. */
const FALLBACK = /^sha(?:256|512)-[0-9a-f]{64}$/;

/** What refers to a closure's root; of an index that is itself the list of another's referrers, those. */
export function referrersIn({ root, inner, referrers }: Closure, tag: string | undefined): Referrers {
  const known = new Map(inner.map((manifest) => [manifest.digest, manifest]));
  const listed = tag !== undefined && FALLBACK.test(tag) ? entriesOf(root) : (referrers.get(root.digest) ?? []).map(({ digest }) => digest);
  return toldReferrers(
    listed.flatMap((digest): Referrer[] => {
      const manifest = known.get(digest as Referrer['digest']);
      return manifest ? [{ digest: manifest.digest, artifactType: artifactTypeOf(manifest) ?? null }] : [];
    }),
  );
}

function entriesOf(index: Manifest): string[] {
  const { manifests } = parseBody(index);
  return Array.isArray(manifests) ? manifests.map((entry: { digest?: unknown } | null) => String(entry?.digest)) : [];
}

/** What a manifest says to be: its own `artifactType`, else its config's type. */
export function artifactTypeOf(manifest: Manifest): string | undefined {
  const body = parseBody(manifest);
  const config = body['config'] as { mediaType?: unknown } | null | undefined;
  const type = body['artifactType'] || config?.mediaType;
  return typeof type === 'string' ? type : undefined;
}
