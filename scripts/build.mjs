#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Compiles src, workflows and activities to dist, and bundles the workflows, so that no start has to pay for it.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const require = createRequire(import.meta.url);

rmSync(dist, { recursive: true, force: true });
const tsc = spawnSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
});
if (tsc.status !== 0) process.exit(tsc.status ?? 1);

const { bundleWorkflowCode } = await import('@temporalio/worker');
const quiet = { trace() {}, debug() {}, info() {}, log() {}, warn: console.error, error: console.error };
const { code } = await bundleWorkflowCode({ workflowsPath: join(dist, 'workflows/index.js'), logger: quiet });
writeFileSync(join(dist, 'workflow-bundle.js'), code);

const bin = join(dist, 'src/processes/cli/main.js');
if (existsSync(bin)) chmodSync(bin, 0o755);
// `scripts/run.mjs` compares the sources with this file's time: it is written last, so that half a build counts as none.
writeFileSync(join(dist, '.built'), '');
