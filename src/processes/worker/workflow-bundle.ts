import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import type { WorkerOptions } from '@temporalio/worker';

/**
 * The workflows' code: bundled when the program is built, because a start must not wait for a bundler; from source in tests. What converts failures
 * is part of the bundle, so that there are two.
 */
export function workflowCode({ failureConverterPath }: DataConverter): Pick<WorkerOptions, 'workflowBundle' | 'workflowsPath'> & {
  interceptors: { workflowModules?: string[] };
} {
  const name = failureConverterPath === undefined ? 'workflow-bundle.js' : 'workflow-bundle-encoded-failures.js';
  const built = fileURLToPath(new URL(`../../../${name}`, import.meta.url));
  if (existsSync(built)) return { workflowBundle: { codePath: built }, interceptors: {} };
  const source = (file: string): string => fileURLToPath(new URL(`../../../workflows/${file}`, import.meta.url));
  return { workflowsPath: source('index.ts'), interceptors: { workflowModules: [source('tracing.ts')] } };
}
