import { failedImages } from '../../ledger/images.ts';
import { chunks } from '../../model/batches.ts';
import { syncImageId, syncRepositoryId } from '../../model/names.ts';
import { parseReference, type Reference } from '../../model/reference.ts';
import { repositoryInScope, tagInScope } from '../../replication/scope.ts';
import { cancelRun, sendLook, wakeImage } from '../temporal/looks.ts';
import { clientOf, type ControlledSite, type ControlParts } from './parts.ts';
import { RequestError } from './request-error.ts';

const AT_ONCE = 20;

/** What was asked of how many workflows. */
export interface Asked {
  readonly count: number;
}

/** What became of each cancellation. */
export interface Cancelled {
  readonly items: readonly { readonly reference: string; readonly result: 'cancelled' | 'not-running' }[];
}

/** Wakes the workflows of all failed images of a site, or starts them. */
export async function retryFailed(parts: ControlParts, site: ControlledSite): Promise<Asked> {
  const client = clientOf(parts);
  let waiting: Promise<void>[] = [];
  let count = 0;
  for await (const { repository, tag } of failedImages(parts.ledger, site.name)) {
    waiting.push(wakeImage(client, site.policy, repository, tag));
    count += 1;
    if (waiting.length < AT_ONCE) continue;
    await Promise.all(waiting);
    waiting = [];
  }
  await Promise.all(waiting);
  return { count };
}

/** Has named images looked at now; a repository without a tag is compared as a whole. */
export async function retryReferences(parts: ControlParts, site: ControlledSite, references: readonly string[]): Promise<Asked> {
  const client = clientOf(parts);
  const wanted = references.map((text, at) => inScope(site, text, at));
  const retry = ({ repository, tag }: Reference): Promise<void> =>
    tag === undefined
      ? sendLook(client, { policy: site.policy, repository, looks: [], notices: [{ kind: 'compare', receivedAt: Date.now() }] })
      : wakeImage(client, site.policy, repository, tag);
  for (const batch of chunks(wanted, AT_ONCE)) await Promise.all(batch.map(retry));
  return { count: wanted.length };
}

/** Cancels the present run of named images' workflows, or of a repository's; the next event or scan starts anew. */
export async function cancelReferences(parts: ControlParts, site: ControlledSite, references: readonly string[]): Promise<Cancelled> {
  const wanted = references.map((text, at) => inScope(site, text, at));
  const items: Cancelled['items'][number][] = [];
  for (const batch of chunks(wanted, AT_ONCE)) {
    items.push(
      ...(await Promise.all(
        batch.map(async ({ repository, tag }) => ({
          reference: tag === undefined ? repository : `${repository}:${tag}`,
          result: await cancelRun(
            clientOf(parts),
            tag === undefined ? syncRepositoryId(site.name, repository) : syncImageId(site.name, repository, tag),
          ),
        })),
      )),
    );
  }
  return { items };
}

function inScope(site: ControlledSite, text: string, at: number): Reference {
  const reference = parseReference(text);
  const path = `references.${at}`;
  if (!reference) throw new RequestError(400, 'INVALID', `"${text}" is no repository or repository:tag`, { path });
  const { repository, tag } = reference;
  if (repositoryInScope(site.policy, repository) && (tag === undefined || tagInScope(site.policy, tag))) return reference;
  throw new RequestError(400, 'INVALID', `site "${site.name}" does not replicate ${text}: its filters exclude it`, { path });
}
