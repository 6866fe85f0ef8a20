import { expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { Descriptor } from '../../src/model/descriptor.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { CopyHeartbeat } from '../../src/model/steps.ts';
import { copyBlobs } from '../../src/replication/copy-blobs.ts';
import { pushBlob } from '../support/images.ts';
import { POLICY } from '../support/policy.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { route, sitePair } from './pair.ts';
import { openUploads } from './storage.ts';

const PUT = { method: 'PUT', path: /\/blobs\/uploads\// };
const POST = { method: 'POST', path: /\/blobs\/uploads\// };

it.each([2, 3] as const)(
  'an upload that was just being opened when the sync was cancelled is removed (Distribution %i)',
  async (version) => {
    const { target, blob, copied, left } = await started(version, 8_000_000);
    const cancel = new AbortController();
    // The registry has opened it, and its answer is on its way.
    target.rules.push({
      ...POST,
      body: (bytes) => {
        cancel.abort();
        return bytes;
      },
    });
    await expect(copied([blob], undefined, cancel.signal)).rejects.toThrow();
    expect(target.count('POST')).toBe(1);
    expect(await left()).toEqual([]);
  },
);

it.each([2, 3] as const)(
  'what was opened for a small blob instead of taking it at once is known to the next attempt (Distribution %i)',
  async (version) => {
    const { target, blob, copied, left } = await started(version, 2_000);
    target.rules.push({ ...PUT, answer: { status: 500 } });
    let heartbeat: CopyHeartbeat | undefined;
    const first = await copied([blob], (now) => (heartbeat = now));
    expect(first.failures).toMatchObject([{ failure: { retry: 'now' } }]);
    expect(await left()).not.toEqual([]);
    target.reset();
    const second = await copied([blob], undefined, undefined, heartbeat);
    expect(second.failures).toEqual([]);
    expect(await left()).toEqual([]);
  },
);

async function started(version: 2 | 3, size: number) {
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version })]);
  const target: QuirkProxy = await quirkProxy(secondary.url);
  const pushed = await pushBlob(primary.url, 'app', randomBytes(size), 'application/octet-stream');
  const blob: Descriptor = { ...pushed, digest: pushed.digest as Digest };
  const site = sitePair(primary.url, target.url);
  return {
    ...{ target, blob },
    copied: (
      blobs: readonly Descriptor[],
      onProgress: (heartbeat: CopyHeartbeat) => void = () => undefined,
      signal?: AbortSignal,
      earlier?: CopyHeartbeat,
    ) =>
      copyBlobs(route(site, 'app', POLICY, signal), blobs, {
        ...{ earlier, onProgress },
        attempt: earlier ? 2 : 1,
        ended: () => 'cancelled',
      }),
    left: () => openUploads(secondary, 'app'),
  };
}
