import { expect } from '@jest/globals';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { headManifest } from '../../../src/registry/manifests.ts';
import type { Session } from '../../../src/registry/session.ts';
import { failureOf } from './sessions.ts';

/** Comes in by the tokens of a cloud's service, renews one that ends with a single question, and is turned away with a wrong password. */
export async function expectTokensRenewed(
  open: (changes?: Partial<Endpoint>) => Session,
  gate: { readonly given: number; endAll(): void },
  repository: string,
): Promise<void> {
  const session = open();
  expect((await headManifest(session, repository, 'v1'))?.digest).toMatch(/^sha256:/);
  gate.endAll();
  const given = gate.given;
  expect((await headManifest(session, repository, 'v1'))?.digest).toMatch(/^sha256:/);
  expect(gate.given - given).toBe(1);
  const stranger = open({ auth: { type: 'basic', username: 'me', password: 'wrong' } });
  expect(await failureOf(headManifest(stranger, repository, 'v1'))).toMatchObject({ code: 'UNAUTHORIZED' });
}
