import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runClient } from '../../support/clients.ts';
import { randomBytes } from '../../support/images.ts';

/** Writes a file, with the folders that it needs. @returns its path */
export async function file(folder: string, name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** A tar archive of one file of random bytes. @returns its path */
export async function layerTar(folder: string, seed: string, size: number): Promise<string> {
  await file(folder, `${seed}/data`, randomBytes(seed, size));
  const tar = join(folder, `${seed}.tar`);
  await runClient('tar', ['-cf', tar, '-C', join(folder, seed), 'data']);
  return tar;
}

/** Throws, with both values, unless they are equal. */
export function mustEqual(found: unknown, wanted: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(wanted)];
  if (a !== b) throw new Error(`${what}: found ${a}, wanted ${b}`);
}
