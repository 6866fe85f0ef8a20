import { isTwinportError } from '../model/failure.ts';
import type { Manifest } from '../model/manifest.ts';
import { headManifest } from '../registry/manifests.ts';
import { putAndRead } from './ensure-manifest.ts';
import type { Route } from './site.ts';

/**
 * How old the primary's word may be when the tag is put. Less than the silence after which Temporal gives an activity to another worker (10 s): a worker
 * that stood still, or was cut off, and goes on when its successor has finished must not put back what the successor replaced. The last time nothing is
 * asked of it: a host whose limits make every request wait must get its tags too.
 */
const FRESH_MS = [5_000, 5_000, Number.POSITIVE_INFINITY] as const;

/**
 * Puts a tag at the secondary, if the primary has just said that it stands for this manifest, and reads it back.
 * @returns `moved`, `gone`: it does not any more, and nothing was put
 * @throws as `putAndRead`
 */
export async function putTag(route: Route, tag: string, root: Manifest): Promise<'put' | 'moved' | 'gone'> {
  const { site, repository, signal } = route;
  for (const freshMs of FRESH_MS) {
    const sendBy = performance.now() + freshMs;
    const now = await headManifest(site.primary, repository, tag, signal);
    if (now?.digest !== root.digest) return now ? 'moved' : 'gone';
    try {
      await putAndRead(route, tag, root, sendBy);
      return 'put';
    } catch (thrown) {
      if (!isTwinportError(thrown) || thrown.code !== 'LATE') throw thrown;
    }
  }
  // The last of them is never too late.
  throw new RangeError('a tag was neither put nor refused');
}
