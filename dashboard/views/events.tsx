import { formatAge } from '../../src/model/text.ts';
import type { SiteStatus } from '../../src/ledger/site-status.ts';
import { When } from '../parts/when.tsx';
import { number } from '../words.ts';

/** Whether the primary still tells of its pushes, and who works at the site. */
export function Events({ site }: { readonly site: SiteStatus }) {
  const { lastEvent, missedEvents, canary, workers, paused } = site;
  const missed = missedEvents.reduce((sum, one) => sum + one.missed, 0);
  const silent = canary?.state === 'missed' || canary?.state === 'failed';
  return (
    <ul class="facts">
      <li>
        <strong>Last event</strong> <When at={lastEvent?.at} />
        {lastEvent && <span class="soft"> from {lastEvent.source}</span>}
      </li>
      <li class={missed > 0 ? 'wait' : ''}>
        <strong>Missed events</strong> {missed === 0 ? 'none' : `${number(missed)} changes came without one, the last: ${latest(site)}`}
      </li>
      {canary && (
        <li class={silent ? 'bad' : ''}>
          <strong>Canary</strong> {canaryWords(canary)}
        </li>
      )}
      <li class={workers === 0 ? 'bad' : ''}>
        <strong>Workers</strong> {workers === 0 ? 'none polls' : number(workers)}
        {paused && <span class="wait"> paused</span>}
      </li>
    </ul>
  );
}

function latest({ missedEvents }: SiteStatus): string {
  const [last] = [...missedEvents].sort((a, b) => b.lastAt.localeCompare(a.lastAt));
  return last?.lastReference ?? '';
}

function canaryWords({ state, seconds, failure, missed, received }: NonNullable<SiteStatus['canary']>): string {
  const day = missed > 0 ? `; ${missed} of ${missed + received} missed in 24 h` : '';
  switch (state) {
    case 'received':
      return `its event came after ${seconds !== null && seconds < 1 ? 'less than 1 s' : formatAge(seconds)}${day}`;
    case 'waiting':
      return `its event is awaited${day}`;
    case 'missed':
      return `its event did not come: check the primary’s notifications${day}`;
    case 'failed':
      return `could not be pushed: ${failure ?? 'nobody knows why'}`;
  }
}
