import { afterAll } from '@jest/globals';
import { listRepositories } from '../../../src/registry/catalog.ts';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import type { RegistryError } from '../../../src/registry/errors.ts';
import { openSession, type Session, type SessionOptions } from '../../../src/registry/session.ts';

const open: Session[] = [];

/** A session with a registry at `url` that ends with the test file. */
export function testSession(url: string, changes: Partial<Endpoint> = {}, options: SessionOptions = {}): Session {
  const session = openSession(
    { name: 'eu', side: 'secondary', url, kind: 'oci', auth: { type: 'none' }, limits: { requests: 8, transfers: 4 }, ...changes },
    options,
  );
  open.push(session);
  return session;
}

afterAll(async () => {
  await Promise.all(open.splice(0).map((session) => session.close()));
});

/** All pages of a registry's list of repositories. */
export async function allRepositories(session: Session): Promise<string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await listRepositories(session, { limit: 1_000, after });
    found.push(...page.repositories);
    after = page.next;
  } while (after !== undefined);
  return found;
}

/** The error that something ends with. */
export async function failureOf(promise: Promise<unknown>): Promise<RegistryError> {
  let result: unknown;
  try {
    result = await promise;
  } catch (thrown) {
    return thrown as RegistryError;
  }
  throw new Error(`expected a failure, got ${JSON.stringify(result)}`);
}

/** All bytes of a stream. */
export async function collect(stream: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes as a stream, in pieces. */
export async function* pieces(bytes: Uint8Array, size = 16 * 1024): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
