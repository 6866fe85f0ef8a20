import { spawn } from 'node:child_process';
import { isSystemError } from './system-error.ts';

/** How a program ended. */
export interface HelperResult {
  /** `undefined`: it was killed. */
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly ended: 'exited' | 'missing' | 'late' | 'too-much';
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 256 * 1024;

/** Runs a program without a shell, gives it `input`, and bounds its time and what it may say. */
export async function runHelper(
  program: string,
  args: readonly string[],
  input: string,
  env: Readonly<Record<string, string | undefined>>,
  timeoutMs = TIMEOUT_MS,
): Promise<HelperResult> {
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const said = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
  let bytes = 0;
  let ended: HelperResult['ended'] = 'exited';
  const stop = (why: HelperResult['ended']): void => {
    ended = why;
    child.kill('SIGKILL');
    // Children of its own may hold the pipes: they are not waited for.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const timer = setTimeout(() => stop('late'), timeoutMs);
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) stop('too-much');
      else said[name].push(chunk);
    });
  }
  // A program that answers without reading: its answer counts.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  try {
    const code = await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => resolve(status ?? undefined));
    });
    return { code, stdout: text(said.stdout), stderr: text(said.stderr), ended };
  } catch (thrown) {
    if (isSystemError(thrown, 'ENOENT', 'EACCES')) return { code: undefined, stdout: '', stderr: '', ended: 'missing' };
    throw thrown;
  } finally {
    clearTimeout(timer);
  }
}

function text(chunks: readonly Buffer[]): string {
  return Buffer.concat(chunks).toString();
}
