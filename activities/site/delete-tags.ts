import type { DeleteTagsInput, DeleteTagsResult } from '../../src/model/steps.ts';
import { deleteTags as remove } from '../../src/replication/delete-tags.ts';
import { routeOf, type Site } from '../../src/replication/site.ts';
import { runActivity, scheduledAt } from './context.ts';

/** Deletes tags that are provably gone at the primary. Safe to repeat because each is proved anew, and one that is gone stays gone. */
export const deleteTags =
  (site: Site) =>
  (input: DeleteTagsInput): Promise<DeleteTagsResult> =>
    runActivity(site, input, async (signal) => ({
      ...(await remove(routeOf(site, input, signal), input.deletions, input.controls)),
      look: scheduledAt(),
    }));
