import type { ChildProcess } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';

const KEPT_CHARACTERS = 8_192;
const SHOWN_LINES = 15;

/**
 * Keeps the end of what a process prints.
 * @returns a function that gives its last lines, headed for an error message; empty if it printed nothing
 */
export function tailOf(process: ChildProcess, logFile?: string): () => string {
  if (logFile !== undefined) {
    const from = statSync(logFile).size;
    return () => shown(readFileSync(logFile).subarray(from).toString().slice(-KEPT_CHARACTERS));
  }
  let kept = '';
  const keep = (chunk: Buffer) => (kept = (kept + chunk.toString()).slice(-KEPT_CHARACTERS));
  for (const stream of [process.stdout, process.stderr]) {
    stream?.on('data', keep);
    // Reading its output must not keep our process alive.
    (stream as { unref?: () => void } | null)?.unref?.();
  }
  return () => shown(kept);
}

function shown(text: string): string {
  const lines = text.trim().split('\n').slice(-SHOWN_LINES).join('\n');
  return lines === '' ? '' : `. Its last output:\n${lines}`;
}
