import type { Change } from '../model/change.ts';
import { asked, type Ledger } from './ledger.ts';

/** A change and when it was received, in milliseconds since the epoch. */
export interface ReceivedEvent {
  readonly change: Change;
  readonly receivedAt: number;
}

/** Writes down what was received: it cannot be made up later. @throws {TwinportError} LEDGER */
export async function recordEvents(ledger: Ledger, events: readonly ReceivedEvent[]): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(({ change, receivedAt }) => ({
    event_id: change.id,
    source: change.source,
    repository: change.repository,
    action: change.action,
    tag: change.tag ?? null,
    digest: change.digest ?? null,
    received_at: Math.round(receivedAt),
  }));
  await asked(() => ledger.db.insertInto('events').values(rows).execute());
}
