import { listImages } from '../../../ledger/images.ts';
import { inboxDepth } from '../../../ledger/inbox.ts';
import { syncImageId, syncRepositoryId } from '../../../model/names.ts';
import { statusOfSites, type StarterParts } from '../parts.ts';
import { webUiOf, workflowsLink } from '../web-ui.ts';
import type { FailureView, PageView } from './page.ts';

const LATEST_FAILURES = 10;

/** Reads what the page shows; all of it from the ledger, so that the page works while Temporal is away. */
export async function readView(parts: StarterParts): Promise<PageView> {
  const [statuses, inbox] = await Promise.all([statusOfSites(parts), inboxDepth(parts.ledger)]);
  const sites = await Promise.all(
    statuses.map(async (status) => ({ ...status, failures: status.failed === 0 ? [] : await latestFailures(parts, status.name) })),
  );
  const webUi = webUiOf(parts);
  return { sites, inbox, at: Date.now(), ...(webUi === undefined ? {} : { webUi }) };
}

async function latestFailures(parts: StarterParts, site: string): Promise<FailureView[]> {
  const { items } = await listImages(parts.ledger, site, { state: 'failed', limit: LATEST_FAILURES });
  return items.map(({ repository, tag, reference, reason }) => {
    const link = workflowsLink(parts, [syncImageId(site, repository, tag), syncRepositoryId(site, repository)]);
    return { reference, reason: reason ?? 'no reason is recorded', ...(link === undefined ? {} : { link }) };
  });
}
