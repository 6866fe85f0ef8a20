import type { TwinportConfig } from '../../../config/index.ts';
import { CANARY_TAG, canaryManifest, pushCanary } from '../../../registry/push-canary.ts';
import { headManifest } from '../../../registry/manifests.ts';
import { openSession } from '../../../registry/session.ts';
import { tryCheck, type CheckedPart } from '../../doctor/check.ts';

/** Whether the canary may be pushed to the primary; whether its event comes is what `status` says. */
export async function checkCanary({ endpoint, repository }: NonNullable<TwinportConfig['canary']>): Promise<CheckedPart[]> {
  const session = openSession(endpoint);
  try {
    const push = await tryCheck(`primary ${session.host}: canary`, async () => {
      const manifest = canaryManifest(0);
      await pushCanary(session, repository, manifest, async () => undefined);
      const found = await headManifest(session, repository, CANARY_TAG);
      if (found?.digest === manifest.digest)
        return { found: `may be pushed to ${repository}; "twinport status" says whether and when its events come` };
      return { ok: false, found: `what was pushed to ${repository} cannot be read back`, fix: 'look at the primary’s storage and log' };
    });
    return [push];
  } finally {
    await session.close();
  }
}
