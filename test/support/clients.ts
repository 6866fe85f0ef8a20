import { describe } from '@jest/globals';
import { spawn } from 'node:child_process';
import { findPart } from './parts.ts';

/** A `describe` that is skipped, by name, on a machine that lacks one of the programs. */
export function describeWith(programs: readonly string[], name: string, tests: () => void): void {
  const lacking = programs.filter((program) => findPart(program) === undefined);
  if (lacking.length === 0) describe(name, tests);
  else describe.skip(`${name} (no ${lacking.join(', no ')} here)`, tests);
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Runs a client to its end, which must be a good one; gives what it printed on standard output. */
export function runClient(program: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, NODE_OPTIONS: '', ...options.env };
    const child = spawn(findPart(program) ?? program, args, { cwd: options.cwd, env, stdio: ['pipe', 'pipe', 'pipe'] });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new Error(`${program} ${args.join(' ')} ended with ${code}: ${stderr.slice(-2_000) || stdout.slice(-2_000)}`));
    });
    // Some never read it, and may be gone before it is written.
    child.stdin.on('error', () => undefined);
    child.stdin.end(options.input ?? '');
  });
}
