import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { root } from '../parts/cache.mjs';

/** Runs a program in the project's folder with our terminal, handing signals on; gives its exit code (128 + n if signal n ended it). */
export function foreground(command, args, { env = {}, stdio = 'inherit' } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio, env: { ...process.env, ...env } });
    const handlers = ['SIGINT', 'SIGTERM', 'SIGHUP'].map((signal) => {
      const handler = () => {
        // The terminal's Ctrl-C reaches the whole group: handing it on would make it two, and two mean "at once".
        if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
      };
      process.on(signal, handler);
      return () => process.off(signal, handler);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      for (const off of handlers) off();
      resolve(code ?? 128 + (constants.signals[signal] ?? 0));
    });
  });
}
