import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** What most processes never load; it stays where npm put it. */
const LEFT_OUTSIDE = [
  ...['@aws-sdk/*', '@azure/*', 'google-auth-library', 'pg-native'],
  ...['exporter-trace-otlp-proto', 'resources', 'sdk-trace-base'].map((name) => `@opentelemetry/${name}`),
];
/** What commands load when they are run: V8's code for it is kept, too. */
const PARTS = ['cli/sync/run-sync', 'cli/sync/ping-sites', 'cli/run-up', 'cli/run-worker', 'cli/local-api', 'embedded/system-parts'];
const TEMPORAL = 'node_modules/@temporalio/worker/lib/workflow';

/**
 * Makes one file of the compiled program and its packages, and one of what each workflow thread of Temporal's SDK loads anew; beside each lies V8's code
 * for it. Packages' licenses stay in node_modules, which the program needs as well.
 * @param dist where the compiled modules are
 * @param root the folder of node_modules
 * @see docs/adr/0025-one-file-for-a-quick-start.md
 */
export async function bundleProgram(dist, root) {
  const parts = PARTS.map((part) => `import('./src/processes/${part}.js')`);
  const contents = `export { run } from './src/processes/cli/run.js';\nexport const parts = () => Promise.all([${parts}]);`;
  const options = {
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', charset: 'ascii', logLevel: 'warning', legalComments: 'inline' },
    external: LEFT_OUTSIDE,
    // What stays outside is required from where the file lies: an import would be looked for from where V8's code was made.
    supported: { 'dynamic-import': false },
    banner: { js: WHERE },
    plugins: [keepPlaces(dist)],
  };
  await build({ ...options, stdin: { contents, resolveDir: dist }, outfile: join(dist, 'program.cjs') });
  await build({
    ...options,
    entryPoints: [join(root, TEMPORAL, 'workflow-worker-thread.js')],
    outfile: join(dist, 'workflow-thread.cjs'),
    plugins: [...options.plugins, lateGrpc],
  });
}

/** Loads both bundles as the program does, and keeps what V8 compiled beside them. */
export function keepCompiled(dist) {
  const { status } = spawnSync(process.execPath, [fileURLToPath(new URL('keep-compiled.mjs', import.meta.url)), dist], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('the bundled program cannot be loaded');
}

/** At the head of a bundle: where a module lay, by its path below the bundle's folder or below the first node_modules on the way up. */
const WHERE = `const __where = (path) => {
  const { dirname, join } = require('node:path');
  const { existsSync } = require('node:fs');
  let folder = __dirname;
  while (path.startsWith('node_modules/') && !existsSync(join(folder, path)) && folder !== dirname(folder)) folder = dirname(folder);
  const file = join(folder, path);
  return {
    file,
    dir: dirname(file),
    get url() { return require('node:url').pathToFileURL(file).href; },
    get require() { return require('node:module').createRequire(file); },
  };
};`;

/** A module that asks where it lies, to find a file beside it, is told where it lay before it was bundled. */
function keepPlaces(dist) {
  const home = realpathSync(dist);
  const placeOf = (path) => (path.startsWith(home) ? relative(home, path) : path.slice(path.lastIndexOf('/node_modules/') + 1));
  return {
    name: 'keep-places',
    setup({ onLoad }) {
      onLoad({ filter: /\.[cm]?js$/ }, ({ path }) => {
        const place = placeOf(path);
        if (place === `${TEMPORAL}/bundler.js`) return { contents: NO_BUNDLER };
        const text = readFileSync(path, 'utf8');
        const where = `__where(${JSON.stringify(place)})`;
        const told = text
          .replaceAll(`require.resolve('./workflow-worker-thread')`, `__where('src/processes/worker/workflow-thread.js').file`)
          .replaceAll('import.meta.url', `${where}.url`)
          .replaceAll(/(?<![\w.'"])require\.resolve\(/g, `${where}.require.resolve(`)
          .replaceAll(/(?<![\w.'"])__dirname\b/g, `${where}.dir`)
          .replaceAll(/(?<![\w.'"])__filename\b/g, `${where}.file`);
        return told === text ? undefined : { contents: told };
      });
    },
  };
}

/** Threads speak to no server: they need it only to make an error that none of them meets, and it brings HTTP/2 and TLS with it. */
const lateGrpc = {
  name: 'late-grpc',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@grpc\/grpc-js$/ }, ({ path, namespace }) =>
      namespace === 'late' ? { path, external: true } : { path, namespace: 'late' },
    );
    onLoad({ filter: /./, namespace: 'late' }, ({ path }) => ({
      contents: `module.exports = { __esModule: true, get Metadata() { return require(${JSON.stringify(path)}).Metadata; } };`,
    }));
  },
};

/** The workflows are bundled already, and the bundler takes long to load. */
const NO_BUNDLER = `
const refuse = function () { throw new Error('the built program bundles no workflows'); };
module.exports = { defaultWorkflowInterceptorModules: [], bundleWorkflowCode: refuse, WorkflowCodeBundler: refuse };`;
