import { afterAll, beforeAll, describe, expect } from '@jest/globals';
import fc from 'fast-check';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Digest } from '../../src/model/digest.ts';
import { isTwinportError } from '../../src/model/failure.ts';
import { headBlob, proveBlob, readBlob } from '../../src/registry/blobs.ts';
import { listRepositories } from '../../src/registry/catalog.ts';
import type { AuthOptions } from '../../src/registry/endpoint.ts';
import { KINDS, type RegistryKind } from '../../src/registry/kinds/index.ts';
import { getManifest, headManifest, putManifest } from '../../src/registry/manifests.ts';
import { ping } from '../../src/registry/ping.ts';
import { listReferrers } from '../../src/registry/referrers.ts';
import { openSession, type Session } from '../../src/registry/session.ts';
import { listTagDigests, listTags } from '../../src/registry/tags.ts';
import { listUntagged } from '../../src/registry/untagged.ts';
import { mountBlob, patchBlob, putBlob, startUpload, uploadStatus } from '../../src/registry/uploads.ts';
import { fuzz } from './fuzz.ts';
import { hostileText, nearJson } from './hostile.ts';

const BYTES = new TextEncoder().encode('{"schemaVersion":2}');
const DIGEST: Digest = `sha256:${'a'.repeat(64)}`;
const TYPE = 'application/vnd.oci.image.manifest.v1+json';
const BLOB = { mediaType: '', digest: DIGEST, size: 4 };

/** What is asked of a registry that answers anything. */
const OPERATIONS: Record<string, (session: Session) => Promise<unknown>> = {
  ping,
  headManifest: (session) => headManifest(session, 'a/b', 'v1'),
  getManifest: (session) => getManifest(session, 'a/b', DIGEST),
  putManifest: (session) => putManifest(session, 'a/b', 'v1', { mediaType: TYPE, digest: DIGEST, size: BYTES.length, bytes: BYTES }),
  headBlob: (session) => headBlob(session, 'a/b', DIGEST),
  proveBlob: (session) => proveBlob(session, 'a/b', BLOB),
  readBlob: async (session) => {
    for await (const _chunk of (await readBlob(session, 'a/b', DIGEST, { offset: 1 })).stream);
  },
  listTags: (session) => listTags(session, 'a/b'),
  listTagDigests: (session) => listTagDigests(session, 'a/b'),
  listUntagged: (session) => listUntagged(session, 'a/b'),
  listReferrers: (session) => listReferrers(session, 'a/b', DIGEST),
  listRepositories: (session) => listRepositories(session, { limit: 100 }),
  mountBlob: (session) => mountBlob(session, 'a/b', DIGEST, 'c/d'),
  upload: async (session) => {
    const upload = await startUpload(session, 'a/b');
    const next = await patchBlob(session, upload, chunk(), { length: 4 });
    await uploadStatus(session, next.location);
    await putBlob(session, upload, 'a/b', BLOB, chunk());
  },
};

async function* chunk(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode('abcd');
}

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
}

/*
 * Every answer is generated, over a real connection: whatever comes, an operation ends with a value or with an error of ours that is no defect.
 */
describe('a registry that answers anything', () => {
  let server: Server;
  let url: string;
  let next: () => Answer;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { status, headers, body } = next();
      request.resume();
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, printable(value));
      const bodiless = request.method === 'HEAD' || status === 204 || status === 304;
      if (!bodiless && !response.hasHeader('content-length')) response.setHeader('content-length', body.length);
      response.writeHead(status).end(bodiless ? undefined : body);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const descriptor = { mediaType: TYPE, digest: DIGEST, size: 7 };
  const body = fc.oneof(
    {
      weight: 6,
      arbitrary: nearJson([
        { tags: ['v1', 'v2'], name: 'a/b' },
        { repositories: ['a/b', 'c'] },
        { schemaVersion: 2, mediaType: TYPE, config: descriptor, layers: [descriptor] },
        { schemaVersion: 2, manifests: [descriptor] },
        { token: 'abcdef', expires_in: 60, issued_at: '2026-01-01T00:00:00Z', refresh_token: 'r' },
        { errors: [{ code: 'MANIFEST_UNKNOWN', message: 'no' }] },
        { manifest: { [DIGEST]: { tag: ['v1'] } }, tags: ['v1'] },
        [{ name: 'a/b', digest: DIGEST, tags: [{ name: 'v1' }] }],
        { results: [{ name: 'v1', digest: DIGEST }], next: 'x', count: 1 },
      ]),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 60 }) },
  );
  const headers = fc
    .record(
      {
        location: fc.oneof(
          fc.constantFrom('/v2/a/b/blobs/uploads/x?_state=1', '/v2/', 'http://169.254.169.254/', 'http://', '//'),
          hostileText,
        ),
        range: fc.oneof(fc.constantFrom('0-0', '0-3', '0-999999999999', 'bytes=0-3', '3-0'), hostileText),
        'content-type': fc.oneof(fc.constantFrom(TYPE, 'application/json', 'text/html'), hostileText),
        'content-range': fc.oneof(fc.constantFrom('bytes 1-3/4', 'bytes 3-3/4', 'bytes */4', 'bytes 0-9/9'), hostileText),
        'docker-content-digest': fc.oneof(fc.constant(DIGEST), hostileText),
        link: fc.oneof(fc.constantFrom('</v2/_catalog?last=a&n=1>; rel="next"', '<http://[>; rel=next', '<>; rel=next'), hostileText),
        'www-authenticate': fc.oneof(
          fc.constantFrom('Bearer realm="/token",service="s"', 'Basic realm="x"', 'Bearer realm="http://["'),
          hostileText,
        ),
        'oci-chunk-min-length': hostileText,
        'oci-subject': hostileText,
        'ratelimit-remaining': fc.oneof(fc.constant('100;w=60'), hostileText),
        'ratelimit-limit': hostileText,
      },
      { requiredKeys: [] },
    )
    .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)));
  // A host that is overloaded is waited for, which other tests look at.
  const status = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(200, 200, 200, 201, 202, 204, 206, 401, 404) },
    { weight: 2, arbitrary: fc.constantFrom(301, 307, 400, 403, 405, 409, 412, 413, 416, 501, 507) },
  );
  const given = fc.record({
    operation: fc.constantFrom(...Object.keys(OPERATIONS)),
    kind: fc.oneof({ weight: 3, arbitrary: fc.constant('oci' as const) }, { weight: 2, arbitrary: fc.constantFrom(...kindsOfTheirOwn()) }),
    auth: fc.constantFrom<AuthOptions>(
      { type: 'none' },
      { type: 'basic', username: 'u', password: 'planted-password' },
      { type: 'bearer', token: 'planted-token' },
      { type: 'identity-token', token: 'planted-identity' },
    ),
    answers: fc.array(fc.record({ status, headers, body }), { minLength: 1, maxLength: 6 }),
  });

  fuzz('is survived', 9_000, given, async ({ operation, kind, auth, answers }) => {
    let at = 0;
    // In the end it is gone, so that no list is without end.
    next = () => answers[at++] ?? { status: 404, headers: {}, body: new Uint8Array() };
    const limits = { requests: 8, transfers: 4 };
    const timeouts = { connectMs: 500, stallMs: 1_000 };
    // The kind's own API is asked here as well: nothing goes out of this machine.
    const session = openSession({ name: 'eu', side: 'secondary', url, kind, auth, limits, timeouts, api: { url } });
    try {
      await OPERATIONS[operation]?.(session);
    } catch (thrown) {
      if (!isTwinportError(thrown) || thrown.code === 'INTERNAL') throw thrown;
      expect(thrown.message).not.toMatch(/planted|\p{Cc}/u);
    } finally {
      await session.close();
    }
  });
});

/** Those that ask their vendor by way of an SDK are left out: it has ways of its own to wait. */
function kindsOfTheirOwn(): RegistryKind[] {
  return (Object.keys(KINDS) as RegistryKind[]).filter((kind) => !['ecr', 'gar'].includes(kind));
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 2_000);
}
