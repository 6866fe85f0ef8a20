import { createHash } from 'node:crypto';
import { TwinportError } from '../../../model/failure.ts';
import { OCTET_STREAM } from '../../../model/media-types.ts';

/** What was pushed, as a manifest points at it. */
export interface Pushed {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Uploads a blob in one request. */
export async function pushBlob(url: string, repository: string, bytes: Uint8Array, mediaType: string): Promise<Pushed> {
  const digest = digestOf(bytes);
  const opened = await send(`${url}/v2/${repository}/blobs/uploads/`, { method: 'POST' }, 202);
  const location = new URL(opened.headers.get('location') ?? '', url);
  location.searchParams.set('digest', digest);
  await send(location.href, { method: 'PUT', headers: { 'content-type': OCTET_STREAM }, body: bytes as Uint8Array<ArrayBuffer> }, 201);
  return { mediaType, digest, size: bytes.length };
}

/** Puts a manifest under a tag, or under its digest alone. */
export async function pushManifest(
  url: string,
  repository: string,
  tag: string | undefined,
  manifest: Readonly<Record<string, unknown>> & { readonly mediaType: string },
): Promise<Pushed> {
  const bytes = Buffer.from(JSON.stringify(manifest));
  const digest = digestOf(bytes);
  const { mediaType } = manifest;
  await send(
    `${url}/v2/${repository}/manifests/${tag ?? digest}`,
    { method: 'PUT', headers: { 'content-type': mediaType }, body: bytes },
    201,
  );
  return { mediaType, digest, size: bytes.length };
}

async function send(url: string, init: RequestInit, expected: number): Promise<Response> {
  const answer = await fetch(url, init);
  if (answer.status === expected) return answer;
  throw new TwinportError(
    'PROTOCOL',
    `the demo's registry answered ${answer.status} to ${init.method}: ${(await answer.text()).slice(0, 300)}`,
  );
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}
