import { listImages } from '../../../ledger/images.ts';
import { inboxDepth } from '../../../ledger/inbox.ts';
import { siteStatus } from '../../../ledger/site-status.ts';
import { syncImageId } from '../../../model/names.ts';
import type { StarterParts } from '../parts.ts';
import type { FailureView, PageView } from './page.ts';

const LATEST_FAILURES = 10;

/** Reads what the page shows; all of it from the ledger, so that the page works while Temporal is away. */
export async function readView(parts: StarterParts): Promise<PageView> {
  const names = parts.sites.map(({ name }) => name);
  const [statuses, inbox] = await Promise.all([siteStatus(parts.ledger, names), inboxDepth(parts.ledger)]);
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
    ...(isWebAddress(parts.webUi) ? { link: workflowLink(parts, parts.webUi, syncImageId(site, repository, tag)) } : {}),
  }));
}

function workflowLink(parts: StarterParts, webUi: string, id: string): string {
  const namespace = parts.config.temporal?.namespace ?? 'default';
  return `${webUi.replace(/\/$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(id)}`;
}

function isWebAddress(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//.test(url);
}
