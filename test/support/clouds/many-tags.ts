import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import { pushImage } from '../images.ts';

/** Images that the tags are spread over. */
const IMAGES = 8;

/**
 * Gives a repository so many tags, `t0000`, `t0001`, …: a few images are pushed, the tags are written into the registry's storage, which is as good
 * as a thousand pushes and takes a hundredth of the time.
 * @returns their digests by tag
 */
export async function makeManyTags(registry: EmbeddedRegistry, repository: string, count: number): Promise<Map<string, string>> {
  const digests: string[] = [];
  for (let n = 0; n < IMAGES; n += 1)
    digests.push(
      (await pushImage(registry.url, repository, 't0000', { layers: [{ seed: 'many', size: 100 }], label: `many/${n}` })).digest,
    );
  const tags = join(registry.dir, 'data/docker/registry/v2/repositories', repository, '_manifests/tags');
  const made = new Map<string, string>();
  for (let n = 0; n < count; n += 1) {
    const tag = `t${String(n).padStart(4, '0')}`;
    const digest = digests[n % IMAGES] ?? '';
    mkdirSync(join(tags, tag, 'current'), { recursive: true });
    writeFileSync(join(tags, tag, 'current/link'), digest);
    made.set(tag, digest);
  }
  return made;
}
