import { readChange, readNotification } from '../notification.ts';
import type { Reading } from '../reading.ts';

/** Reads one of ACR's events, which have the shape of Distribution's, by webhook and by Event Grid alike. */
export function readAcrEvent(source: string, event: unknown): Reading {
  return readNotification(event, (notification) => {
    const { action } = notification;
    if (action === 'ping' || action === 'quarantine') return action;
    if (action === 'chart_push' || action === 'chart_delete') return 'chart';
    return readChange(source, notification);
  });
}
