import type { RestoreTagInput, RestoreTagResult } from '../../src/model/guard-steps.ts';
import { restoreTag as restore } from '../../src/replication/restore-tag.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { runActivity, scheduledAt } from './context.ts';

/**
 * A tag of the secondary back to what it stood for before. Safe to repeat because a tag that is there already is only said to be, and one that has moved
 * since is left alone; the heartbeat carries nothing.
 */
export const restoreTag =
  (site: Site) =>
  (input: RestoreTagInput): Promise<RestoreTagResult> =>
    runActivity(site, input, async (signal) => ({ ...(await restore(routeOf(site, input, signal), input.order)), look: scheduledAt() }));
