import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';

/** The folders of a Distribution's open uploads. Distribution 3 may write the state of a hash once more when its upload is over already: that is none. */
export async function uploadsOf({ dir }: EmbeddedRegistry): Promise<string[]> {
  const files = await readdir(join(dir, 'data/docker/registry/v2/repositories'), { recursive: true, withFileTypes: true }).catch(() => []);
  return files
    .filter(({ name, parentPath }) => name === 'startedat' && parentPath.includes('/_uploads/'))
    .map(({ parentPath }) => parentPath);
}
