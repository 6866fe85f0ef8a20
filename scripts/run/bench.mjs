import { join } from 'node:path';
import { installParts } from '../install-parts.mjs';
import { root } from '../parts/cache.mjs';
import { foreground } from './foreground.mjs';
import { ensureBuild, ensureModules } from './prepare.mjs';

/** `npm run bench`: installs the peers, of which one that cannot be had is named and left out, and measures all side by side. */
export async function runBench(args) {
  // Whether skopeo is there matters to this comparison alone: the tests cannot do without.
  const parts = Promise.all([
    installParts(['bench']),
    installParts(['skopeo']).catch((error) => process.stderr.write(`${error.message}\n`)),
  ]);
  parts.catch(() => undefined);
  await ensureModules();
  await ensureBuild();
  await parts;
  return foreground(process.execPath, [join(root, 'scripts/bench/main.mjs'), ...args]);
}
