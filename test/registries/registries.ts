import { findPart } from '../support/parts.ts';
import { testOciServer } from '../support/oci-server.ts';
import { testRegistry } from '../support/registries.ts';
import { onS3, testS3 } from '../support/s3.ts';

/** The registries that clients push to and pull from here; each is a primary and a secondary of each. */
export type Name = 'Distribution 2.8' | 'Distribution 3' | 'Distribution 3 on S3' | 'ociserver';

const START: Readonly<Record<Name, () => Promise<{ url: string }>>> = {
  'Distribution 2.8': () => testRegistry({ version: 2 }),
  'Distribution 3': () => testRegistry({ version: 3 }),
  'Distribution 3 on S3': async () => testRegistry(onS3(await testS3())),
  ociserver: () => testOciServer(),
};

/** Those that this machine can run. */
export const NAMES = (Object.keys(START) as Name[]).filter((name) => !name.endsWith('S3') || findPart('versitygw') !== undefined);

/** The row of each in the table of the docs. */
export const ROW: Readonly<Record<Name, string>> = {
  'Distribution 2.8': 'distribution-2',
  'Distribution 3': 'distribution-3',
  'Distribution 3 on S3': 'distribution-3-s3',
  ociserver: 'oci',
};

/** host:port of one of each. */
export async function startAll(): Promise<Record<Name, string>> {
  const started = await Promise.all(NAMES.map(async (name) => [name, new URL((await START[name]()).url).host] as const));
  return Object.fromEntries(started) as Record<Name, string>;
}
