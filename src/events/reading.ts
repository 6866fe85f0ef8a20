import type { Change, ParsedEvents } from '../model/change.ts';
import { isDigest } from '../model/digest.ts';
import { isRepositoryName, isTagName } from '../model/reference.ts';

/** Why an event says nothing that we can use: a closed list, for it becomes a metric's label. */
export type IgnoredReason =
  | 'pull' // also our own reading
  | 'mount'
  | 'blob'
  | 'chart' // of a chart repository that is no part of /v2/
  | 'quarantine'
  | 'ping' // the sender tries its webhook
  | 'other event' // about something else than an image: scans, quotas, builds, repositories
  | 'other package' // npm and the like
  | 'not done' // the sender tells of a failure
  | 'unknown action'
  | 'no repository'
  | 'bad name'
  | 'bad tag'
  | 'bad digest'
  | 'nothing named'
  | 'malformed';

/** A sender's own id is for people who look for it. */
const LONGEST_ID = 200;

/** What a reader makes of one event: changes, or why there are none. */
export type Reading = readonly Change[] | IgnoredReason;

/** What an event names, as its sender wrote it. */
export interface Named {
  /** The sender's own id of the event, if it has one. */
  readonly id?: string | undefined;
  readonly action: 'push' | 'delete';
  readonly repository?: string | undefined;
  /** Some senders write the digest here. */
  readonly tag?: string | undefined;
  readonly digest?: string | undefined;
}

/** A change, if its names are such as `/v2/` allows. */
export function changeOf(source: string, named: Named): Reading {
  const { action, repository } = named;
  const id = recordable(named.id ?? '');
  const tag = isDigest(named.tag) ? undefined : named.tag;
  const digest = named.digest ?? (isDigest(named.tag) ? named.tag : undefined);
  if (repository === undefined) return 'no repository';
  if (!isRepositoryName(repository)) return 'bad name';
  if (tag !== undefined && !isTagName(tag)) return 'bad tag';
  if (digest !== undefined && !isDigest(digest)) return 'bad digest';
  if (action === 'push' && tag === undefined && digest === undefined) return 'nothing named';
  return [{ id, source, repository, action, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) }];
}

/** The ledger takes neither NUL nor half a letter: one such id would hold up the record of all other events. */
function recordable(id: string): string {
  return id.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, LONGEST_ID);
}

/** Sums up what was made of the events of one message. */
export function collect(readings: Iterable<Reading>): ParsedEvents {
  const changes: Change[] = [];
  const ignored: Record<string, number> = {};
  for (const reading of readings) {
    if (typeof reading === 'string') ignored[reading] = (ignored[reading] ?? 0) + 1;
    else changes.push(...reading);
  }
  return { changes, ignored };
}
