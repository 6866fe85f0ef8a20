import { afterAll } from '@jest/globals';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnChild } from '../../src/processes/embedded/child.ts';
import { accepts, freePort } from '../../src/processes/embedded/free-port.ts';
import type { RegistrySettings } from '../../src/processes/embedded/registry-config.ts';
import { findPart } from './parts.ts';

const BUCKET = 'registry';
const [ACCESS_KEY, SECRET_KEY] = ['twinport', 'correct-horse'];
const stops: (() => Promise<void>)[] = [];

/** An object store: `versitygw`, which speaks S3 over a folder; it ends with the test file. @returns its URL */
export async function testS3(): Promise<string> {
  const command = findPart('versitygw');
  if (command === undefined) throw new Error('versitygw is not installed: node scripts/install-parts.mjs versitygw');
  const folder = await mkdtemp(join(tmpdir(), 'twinport-s3-'));
  await mkdir(join(folder, 'objects', BUCKET), { recursive: true });
  await mkdir(join(folder, 'sidecar'));
  const port = await freePort();
  const args = ['--port', `127.0.0.1:${port}`, '--access', ACCESS_KEY, '--secret', SECRET_KEY, '--quiet'];
  const child = await spawnChild({
    command,
    args: [...args, 'posix', '--sidecar', join(folder, 'sidecar'), join(folder, 'objects')],
    env: { HOME: folder },
    readyWhen: () => accepts(port),
  });
  stops.push(async () => {
    await child.stop(500);
    await rm(folder, { recursive: true, force: true });
  });
  return `http://127.0.0.1:${port}`;
}

/** Settings of a Distribution 3 that stores its content at `url` (of `testS3`, or of a proxy before it) and sends readers of blobs there. */
export function onS3(url: string): Pick<RegistrySettings, 'version' | 'extra'> {
  const s3 = {
    region: 'us-east-1',
    regionendpoint: url,
    forcepathstyle: true,
    bucket: BUCKET,
    accesskey: ACCESS_KEY,
    secretkey: SECRET_KEY,
    secure: url.startsWith('https:'),
    skipverify: true,
  };
  return { version: 3, extra: { storage: { s3, filesystem: undefined } } };
}

afterAll(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});
