import { verifiedClaims, watchFault, type FaultWatch } from '../support/fault-table.ts';
import { pushImage, pushManifest } from '../support/images.ts';
import type { ProcessSystem } from './process-system.ts';

/** A tag that moves again and again, and a watch that knows in which order: a claim is as of the time at which it was verified. */
export function movingTag(system: ProcessSystem, repository: string): { watch: FaultWatch; move(size: number): Promise<string> } {
  const order: string[] = [];
  const watch = watchFault({
    ...{ primary: system.primary.url, secondary: system.secondary.url, options: { repositories: [repository] } },
    claims: () => verifiedClaims(system.url, 'eu', [repository]),
    superseded: ({ digest }, held) => held !== undefined && order.indexOf(held) > order.indexOf(digest),
  });
  return {
    watch,
    async move(size) {
      const layers = [{ seed: `${repository} ${order.length}`, size }];
      const { bytes, digest, mediaType } = await pushImage(system.primary.url, repository, 'v1', { layers, untagged: true });
      order.push(digest);
      await pushManifest(system.primary.url, repository, 'v1', bytes, mediaType);
      return digest;
    },
  };
}
