import { setTimeout as sleep } from 'node:timers/promises';
import { failedImages } from '../../ledger/images.ts';
import { requestUndo, undoState, type Undo } from '../../ledger/undo.ts';
import { chunks } from '../../model/batches.ts';
import type { Digest } from '../../model/digest.ts';
import { syncImageId, syncRepositoryId } from '../../model/names.ts';
import { parseReference, type Reference } from '../../model/reference.ts';
import { repositoryInScope, tagInScope } from '../../replication/scope.ts';
import { cancelRun, sendLook, wakeImage } from '../temporal/looks.ts';
import type { Actor } from './access.ts';
import { clientOf, type ControlledSite, type ControlParts } from './parts.ts';
import { RequestError } from './request-error.ts';

const AT_ONCE = 20;
/** Whoever asks for an undo waits for it; a proxy between us must not give up before. */
const UNDO_MS = 20_000;
const UNDO_EVERY_MS = 100;

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

/** An undo as operators see it. */
export interface UndoItem {
  readonly id: string;
  readonly reference: string;
  /** What the tag is set back to, and what it stood for; null: it was not there. */
  readonly to: string;
  readonly from: string | null;
  /** `asked`: it has not happened yet, and will. */
  readonly state: Undo['state'];
  readonly reason: string | null;
}

/**
 * Sets tags back at a site, and waits a while for it.
 * @param options `to`: which of the digests that the tag stood for; absent: the last one
 * @throws {TwinportError} NOT_FOUND, CONFLICT: a tag for which there is nothing to undo; those before it are asked for
 */
export async function undoReferences(
  parts: ControlParts,
  site: ControlledSite,
  references: readonly string[],
  { to, actor }: { readonly to?: Digest | undefined; readonly actor: Actor },
): Promise<UndoItem[]> {
  const client = clientOf(parts);
  const by = performance.now() + UNDO_MS;
  const items: UndoItem[] = [];
  for (const { repository, tag = '' } of references.map((text, at) => inScope(site, text, at))) {
    const { state, reason, ...order } = await requestUndo(parts.ledger, { site: site.name, repository, tag }, actor, to);
    const notice = { kind: 'undo', receivedAt: Date.now(), undo: order } as const;
    if (state === 'asked') await sendLook(client, { policy: site.policy, repository, looks: [], notices: [notice] });
    items.push({ id: order.id, reference: `${repository}:${tag}`, from: order.replaces ?? null, to: order.digest, state, reason });
  }
  return Promise.all(items.map((item) => settledUndo(parts, item, by)));
}

async function settledUndo(parts: ControlParts, item: UndoItem, by: number): Promise<UndoItem> {
  let now = item;
  while (now.state === 'asked' && performance.now() < by) {
    await sleep(UNDO_EVERY_MS);
    now = { ...now, ...(await undoState(parts.ledger, item.id)) };
  }
  return now;
}

function inScope(site: ControlledSite, text: string, at: number): Reference {
  const reference = parseReference(text);
  const path = `references.${at}`;
  if (!reference) throw new RequestError(400, 'INVALID', `"${text}" is no repository or repository:tag`, { path });
  const { repository, tag } = reference;
  if (repositoryInScope(site.policy, repository) && (tag === undefined || tagInScope(site.policy, tag))) return reference;
  throw new RequestError(400, 'INVALID', `site "${site.name}" does not replicate ${text}: its filters exclude it`, { path });
}
