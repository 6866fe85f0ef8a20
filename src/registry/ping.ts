import type { Session } from './session.ts';

/**
 * Asks whether the registry answers and takes our credentials.
 * @throws {RegistryError} UNREACHABLE, TLS, UNAUTHORIZED, NOT_FOUND (no registry at this address), …
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support
 */
export async function ping(session: Session, signal?: AbortSignal): Promise<void> {
  await session.send({ method: 'GET', path: '', scope: 'any', signal, accept: [200] });
}
