import { join } from 'node:path';
import { installParts } from '../install-parts.mjs';
import { root } from '../parts/cache.mjs';
import { foreground } from './foreground.mjs';
import { ensureBuild, ensureModules } from './prepare.mjs';

/** `npm run demo`: installs, builds, and runs the demo with its own exit code. */
export async function runDemo(args) {
  const parts = installParts(['demo']);
  // Both run at a time; a failure of the first is reported after the second, not as an unhandled one.
  parts.catch(() => undefined);
  await ensureModules();
  await ensureBuild();
  await parts;
  return foreground(process.execPath, [join(root, 'dist/src/processes/cli/main.js'), 'demo', ...args]);
}
