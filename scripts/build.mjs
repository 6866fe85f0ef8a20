#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Compiles src, workflows and activities, and bundles the program, the workflows and the dashboard, so that no start has to pay for it. All of it goes to a folder
 * beside dist first, which takes dist's place at the end: a program that runs from dist never finds half of it.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const fresh = join(root, `.cache/dist-${process.pid}`);
process.on('exit', () => rmSync(fresh, { recursive: true, force: true }));
const require = createRequire(import.meta.url);

const tsc = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', fresh], {
  cwd: root,
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const { bundleWorkflowCode } = await import('@temporalio/worker');
const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.error, error: console.error };
const workflowsPath = join(fresh, 'workflows/index.js');
// Temporal's SDK loads it by its path, and the compiler passes it over.
const failureConverterPath = join(fresh, 'src/processes/temporal/encoded-failures.cjs');
copyFileSync(join(root, 'src/processes/temporal/encoded-failures.cjs'), failureConverterPath);
const workflowInterceptorModules = [join(fresh, 'workflows/tracing.js')];
const plain = await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules, logger: quiet });
writeFileSync(join(fresh, 'workflow-bundle.js'), plain.code);
const encoded = await bundleWorkflowCode({ workflowsPath, workflowInterceptorModules, failureConverterPath, logger: quiet });
writeFileSync(join(fresh, 'workflow-bundle-encoded-failures.js'), encoded.code);

const { bundleProgram, keepCompiled } = await import('./build/program.mjs');
await bundleProgram(fresh, root);

const { build } = await import('esbuild');
// Preact's license wants to go along with every copy.
const notice = readFileSync(join(root, 'node_modules/preact/LICENSE'), 'utf8');
await build({
  entryPoints: [
    { in: join(root, 'dashboard/main.tsx'), out: 'app' },
    { in: join(root, 'dashboard/style.css'), out: 'app' },
    { in: join(root, 'dashboard/icon.svg'), out: 'icon' },
  ],
  outdir: join(fresh, 'dashboard'),
  loader: { '.svg': 'copy' },
  tsconfig: join(root, 'dashboard/tsconfig.json'),
  ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022', legalComments: 'none', logLevel: 'warning' },
  banner: { js: `/*! Preact\n${notice}*/` },
});

const bin = join(fresh, 'src/processes/cli/main.js');
if (existsSync(bin)) chmodSync(bin, 0o755);
rmSync(dist, { recursive: true, force: true });
renameSync(fresh, dist);
// V8 remembers where the code lay.
keepCompiled(dist);
// `scripts/run.mjs` compares the sources with this file's time: it is written last, so that half a build counts as none.
writeFileSync(join(dist, '.built'), '');
