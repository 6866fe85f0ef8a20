import { listImages } from '../../../ledger/images.ts';
import { inboxDepth } from '../../../ledger/inbox.ts';
import { syncImageId, syncRepositoryId } from '../../../model/names.ts';
import { statusOfSites, type StarterParts } from '../parts.ts';
import type { FailureView, PageView } from './page.ts';

const LATEST_FAILURES = 10;

/** Reads what the page shows; all of it from the ledger, so that the page works while Temporal is away. */
export async function readView(parts: StarterParts): Promise<PageView> {
  const [statuses, inbox] = await Promise.all([statusOfSites(parts), inboxDepth(parts.ledger)]);
  const sites = await Promise.all(
    statuses.map(async (status) => ({ ...status, failures: status.failed === 0 ? [] : await latestFailures(parts, status.name) })),
  );
  return { sites, inbox, at: Date.now(), ...(isWebAddress(parts.webUi) ? { webUi: parts.webUi } : {}) };
}

async function latestFailures(parts: StarterParts, site: string): Promise<FailureView[]> {
  const { items } = await listImages(parts.ledger, site, { state: 'failed', limit: LATEST_FAILURES });
  return items.map(({ repository, tag, reference, reason }) => ({
    reference,
    reason: reason ?? 'no reason is recorded',
    ...(isWebAddress(parts.webUi)
      ? { link: workflowsLink(parts, parts.webUi, [syncImageId(site, repository, tag), syncRepositoryId(site, repository)]) }
      : {}),
  }));
}

/** A failure was found by the image's own workflow or by its repository's: the link lists the runs of both. */
function workflowsLink(parts: StarterParts, webUi: string, ids: readonly string[]): string {
  const namespace = parts.config.temporal?.namespace ?? 'default';
  const query = ids.map((id) => `WorkflowId = ${JSON.stringify(id)}`).join(' OR ');
  return `${webUi.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encodeURIComponent(query)}`;
}

function isWebAddress(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//.test(url);
}
