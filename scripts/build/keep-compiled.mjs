import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMainThread, Worker } from 'node:worker_threads';

/*
 * Loads the bundles of a build as the program does, and keeps what V8 made of them: what has run once need not be compiled again.
 */
const [dist] = process.argv.slice(2);
const { runBuilt } = await import(pathToFileURL(join(dist, 'src/processes/built.js')).href);
if (isMainThread) {
  const program = runBuilt('program.cjs');
  await program.exports.parts();
  program.keepCompiled();
  await once(new Worker(fileURLToPath(import.meta.url), { argv: [dist] }), 'exit');
} else {
  runBuilt('workflow-thread.cjs').keepCompiled();
}
process.exit();
