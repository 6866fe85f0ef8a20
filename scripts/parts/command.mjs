import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const KEPT_CHARACTERS = 4_000;

/** Runs a program to its end; never throws for how it ends. Gives its exit code (127: not there) and the end of its output. */
export function run(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-KEPT_CHARACTERS));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.once('error', (error) => resolve({ code: 127, output: error.message }));
    child.once('close', (code, signal) => resolve({ code: code ?? `signal ${signal}`, output: output.trim() }));
  });
}

/** Runs a program that must succeed. */
export async function must(command, args, options) {
  const { code, output } = await run(command, args, options);
  if (code !== 0) throw new Error(`\`${[command, ...args].join(' ')}\` ended with ${code}: ${lastLines(output)}`);
  return output;
}

/** Makes an `unfit` of a part: gives the complaint about a program that does not answer `args` as its right version does. */
export function says(args, pattern, complaint) {
  return async (program) => {
    const { code, output } = await run(program, args);
    return code === 0 && pattern.test(output) ? undefined : complaint;
  };
}

/** Where a program lies on PATH, or `undefined`. */
export function onPath(name) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** Says whether a file is there and may be run. */
export function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false; // not there, or not for us
  }
}

function lastLines(output) {
  return output.split('\n').slice(-3).join(' / ');
}
