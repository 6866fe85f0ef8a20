import { z } from 'zod';
import type { ParsedEvents } from '../model/change.ts';
import { isRepositoryName } from '../model/reference.ts';
import { parseEnvelope, readChange, type Notification, type Reading } from './notification.ts';

const SOURCE = 'gitlab';
const RENAME = z.looseObject({ rename: z.looseObject({ from: z.string(), to: z.string() }) });

/**
 * Reads what GitLab's registry sends: Distribution's envelope, and `rename` besides.
 * @throws {TwinportError} INVALID
 * @see https://docs.gitlab.com/administration/geo/replication/container_registry/
 */
export function parseGitlab(body: Uint8Array): ParsedEvents {
  return parseEnvelope(body, (event) => (event.action === 'rename' ? readRename(event) : readChange(SOURCE, event)));
}

/** Both names are worth a look as a whole; what is then copied or deleted follows from the primary, not from the event. */
function readRename(event: Notification): Reading {
  const named = RENAME.safeParse(event.target).data ?? RENAME.safeParse(event).data;
  if (!named) return 'malformed';
  const { from, to } = named.rename;
  if (!isRepositoryName(from) || !isRepositoryName(to)) return 'bad name';
  const id = event.id ?? '';
  return [
    { id, source: SOURCE, repository: from, action: 'delete' },
    { id, source: SOURCE, repository: to, action: 'push' },
  ];
}
