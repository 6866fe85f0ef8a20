import { z } from 'zod';
import { isRepositoryName } from '../../model/reference.ts';
import type { EventSource } from '../event-source.ts';
import { parseEnvelope, readChange, type Notification } from '../notification.ts';
import type { Reading } from '../reading.ts';

const SOURCE = 'gitlab';
const RENAME = z.looseObject({ rename: z.looseObject({ from: z.string(), to: z.string() }) });

/**
 * What GitLab's registry sends: Distribution's envelope, and `rename` besides.
 * @see https://docs.gitlab.com/administration/geo/replication/container_registry/
 */
export const gitlab: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'authorization' }],
  parse: ({ body }) => parseEnvelope(body, (event) => (event.action === 'rename' ? readRename(event) : readChange(SOURCE, event))),
};

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
