import type { SiteLimits } from '../../model/limits.ts';
import { changedLimits } from '../temporal/limits.ts';
import { lookRegularly, type SiteWatch } from './look-regularly.ts';

/**
 * Has a worker keep to the limits of its site as they are changed.
 * @param apply what is changed; nothing of it: the configured limits hold
 */
export async function watchChangedLimits(watch: SiteWatch, apply: (changed: SiteLimits) => void): Promise<{ close(): Promise<void> }> {
  const { client, site, logger } = watch;
  let held = '{}';
  return lookRegularly(watch, 'whether the limits of the site are changed', async () => {
    const changed = await changedLimits(client, site);
    if (changed === undefined) return;
    const now = JSON.stringify(changed ?? {});
    if (now === held) return;
    held = now;
    apply(changed ?? {});
    logger.info(
      { site, ...changed },
      changed ? 'the limits of the site are changed' : 'the limits of the site are the configured ones again',
    );
  });
}
