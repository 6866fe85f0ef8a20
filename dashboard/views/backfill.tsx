import { useId } from 'preact/hooks';
import type { SiteStatus } from '../../src/ledger/site-status.ts';
import { doToSite, SITE_DEEDS } from '../deeds.ts';
import { formatAge } from '../../src/model/text.ts';
import { share } from '../words.ts';

const WORDS: Readonly<Record<SiteStatus['backfill']['state'], string>> = {
  none: 'has not begun',
  running: 'runs',
  paused: 'is paused',
  failed: 'failed: the primary could not be listed',
  cancelled: 'was cancelled',
  done: 'is done',
};

/** How far the scan of the whole primary is; what ended well needs a line only. */
export function Backfill({ site }: { readonly site: SiteStatus }) {
  const { state, done, total, startedAt, remainingSeconds } = site.backfill;
  const id = useId();
  const open = state === 'running' || state === 'paused';
  return (
    <div class="backfill">
      <p>
        <span id={id}>
          Backfill {WORDS[state]}
          {state !== 'none' && `, ${share(done, total)} repositories`}
        </span>
        {open && remainingSeconds !== null && <>, about {formatAge(remainingSeconds)} to go</>}
        {open && startedAt !== null && <span class="soft">, since {formatAge((Date.now() - Date.parse(startedAt)) / 1000)}</span>}
      </p>
      {open && <progress aria-labelledby={id} max={Math.max(1, total)} value={done} />}
      {open && (
        <button type="button" onClick={() => void doToSite(SITE_DEEDS['cancel-backfill'], site.name)}>
          {SITE_DEEDS['cancel-backfill'].verb}
        </button>
      )}
    </div>
  );
}
