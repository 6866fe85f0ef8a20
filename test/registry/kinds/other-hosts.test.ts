import { describe, expect, it } from '@jest/globals';
import type { Endpoint } from '../../../src/registry/endpoint.ts';
import { registryError } from '../../../src/registry/errors.ts';
import type { Session } from '../../../src/registry/session.ts';
import { listTagDigests } from '../../../src/registry/tags.ts';
import type { ApiRequest } from '../../../src/registry/transport/call-api.ts';
import { pushImage, pushManifest } from '../../support/images.ts';
import { testRegistry } from '../../support/registries.ts';
import { testSession } from '../support/sessions.ts';

/*
 * A kind may be that of a server of one's own, or of a proxy before the vendor's: its password is not for the vendor's API, which lies elsewhere.
 */
describe.each(['ghcr', 'dockerhub'] as const)('kind: %s at another host', (kind) => {
  it('tells no password of its own to the vendor’s API, unless it is said to belong to it', async () => {
    const registry = await testRegistry({ version: 3 });
    const image = await pushImage(registry.url, 'acme/app', 'v1');
    for (const tag of ['v2', 'v3', 'v4']) await pushManifest(registry.url, 'acme/app', tag, image.bytes, image.mediaType);
    const asked = async (api?: Endpoint['api']): Promise<string> => {
      const calls: ApiRequest[] = [];
      const auth = { type: 'basic', username: 'me', password: 'mine-alone' } as const;
      const session = testSession(registry.url, { kind, auth, ...(api ? { api } : {}) });
      const call: Session['call'] = async (request) => {
        calls.push(request);
        throw registryError(session, request, 'UNREACHABLE', 'not sent');
      };
      expect((await listTagDigests({ ...session, call }, 'acme/app'))?.size).toBe(4);
      return calls.map(({ authorization, body }) => `${authorization} ${Buffer.from(body ?? []).toString()}`).join('\n');
    };
    expect(await asked()).not.toContain('mine-alone');
    expect(await asked({ url: registry.url })).toContain('mine-alone');
    if (kind === 'ghcr') expect(await asked({ token: 'for-github' })).toContain('for-github');
  });
});
