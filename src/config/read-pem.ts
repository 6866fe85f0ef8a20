import type { KeyPath } from './problems.ts';
import { readText, type Resolution } from './resolve.ts';

/** Reads a PEM file and sees that it holds the right kind of block: a certificate in the key's place is told here, not by a handshake. */
export function readPem(file: string, path: KeyPath, label: 'CERTIFICATE' | 'PRIVATE KEY', resolution: Resolution): string | undefined {
  const text = readText(file, path, resolution);
  if (text === undefined || new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(text)) return text;
  resolution.problems.push({ path, found: JSON.stringify(file), want: `a PEM file with a block BEGIN ${label} is needed` });
  return undefined;
}
