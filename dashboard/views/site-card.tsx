import { useId } from 'preact/hooks';
import { adviceFor, type Advice } from '../advice.ts';
import type { SiteStatus } from '../../src/ledger/site-status.ts';
import { doToSite, SITE_DEEDS } from '../deeds.ts';
import { Bar } from '../parts/bar.tsx';
import { Mark } from '../parts/mark.tsx';
import { to } from '../path.ts';
import { number } from '../words.ts';
import { Backfill } from './backfill.tsx';
import { Control } from './control.tsx';
import { Events } from './events.tsx';
import { Recovery } from './recovery.tsx';

/** A site with all that a person must know of it, the verdict first. */
export function SiteCard({ site, brief = false }: { readonly site: SiteStatus; readonly brief?: boolean }) {
  const id = useId();
  return (
    <section class={`card ${site.ready ? 'good' : toneOf(site)}`} aria-labelledby={id} data-site={site.name}>
      <div class="verdict">
        <Mark tone={site.ready ? 'good' : toneOf(site)} />
        <div>
          <h2 id={id}>
            <a href={to.images(site.name)}>{site.name}</a>
          </h2>
          <p class="reason">{site.ready ? 'Ready to take over' : `Not ready: ${site.reason ?? ''}`}</p>
        </div>
      </div>
      <ToDo site={site} />
      <Primary site={site} />
      <Counts site={site} />
      {brief ? (
        <details class="control">
          <summary>Recovery point, backfill, events, control</summary>
          <Details site={site} />
        </details>
      ) : (
        <Details site={site} />
      )}
    </section>
  );
}

function Details({ site }: { readonly site: SiteStatus }) {
  return (
    <>
      <Recovery site={site} />
      <Backfill site={site} />
      <Events site={site} />
      <Control site={site} />
    </>
  );
}

/** What only has to be waited for is not yet bad. */
function toneOf({ failed, workers, regressed, reason }: SiteStatus): 'bad' | 'wait' {
  return failed > 0 || workers === 0 || regressed || reason?.includes('could not') === true ? 'bad' : 'wait';
}

function ToDo({ site }: { readonly site: SiteStatus }) {
  const advice = adviceFor(site);
  if (advice.length === 0) return null;
  return (
    <ul class="todo" aria-label="What to do">
      {advice.map((one) => (
        <li key={one.text}>
          <span>{one.text}</span> <Help site={site.name} {...one} />
        </li>
      ))}
    </ul>
  );
}

function Help({ site, link, deed }: Advice & { readonly site: string }) {
  return (
    <span class="buttons">
      {link && (
        <a class="button" href={link.href}>
          {link.words}
        </a>
      )}
      {deed && (
        <button type="button" onClick={() => void doToSite(SITE_DEEDS[deed], site)}>
          {SITE_DEEDS[deed].verb}
        </button>
      )}
    </span>
  );
}

/** The decision about a primary that has lost what it had. */
function Primary({ site }: { readonly site: SiteStatus }) {
  const { regressed, name } = site;
  if (!regressed) return null;
  return (
    <div class="decision">
      <p>
        The primary regressed: it lacks {regressed.missing} of {regressed.sampled} verified images.{' '}
        {regressed.state === 'held' ? 'Decide:' : `You ${regressed.state} following it.`}
      </p>
      <div class="buttons">
        {regressed.state !== 'rejected' && (
          <button type="button" class="main" onClick={() => void doToSite(SITE_DEEDS['reject-primary'], name)}>
            {SITE_DEEDS['reject-primary'].verb}
          </button>
        )}
        {regressed.state !== 'approved' && (
          <button type="button" class="danger" onClick={() => void doToSite(SITE_DEEDS['approve-primary'], name)}>
            {SITE_DEEDS['approve-primary'].verb}
          </button>
        )}
      </div>
    </div>
  );
}

function Counts({ site }: { readonly site: SiteStatus }) {
  const { name, total, synced, verified, failed, pending } = site;
  const figures: readonly (readonly [string, number, string, string?])[] = [
    ['Total', total, 'plain', ''],
    ['Synced', synced, 'plain', 'synced'],
    ['Verified', verified, verified === total && total > 0 ? 'good' : 'plain', 'verified'],
    ['Failed', failed, failed > 0 ? 'bad' : 'plain', 'failed'],
    ['Queued', pending, pending > 0 ? 'wait' : 'plain', 'pending'],
  ];
  const apart = (
    [
      ['Waived', site.waived],
      ['Foreign', site.foreign],
      ['Excluded', site.excluded],
    ] as const
  ).filter(([, n]) => n > 0);
  return (
    <div class="counts">
      <dl>
        {figures.map(([word, n, tone, state]) => (
          <div key={word}>
            <dt>{word}</dt>
            <dd class={tone} data-count={word}>
              {state === undefined || n === 0 ? number(n) : <a href={to.images(name, { state })}>{number(n)}</a>}
            </dd>
          </div>
        ))}
      </dl>
      <Bar
        label="Synced"
        total={total}
        parts={[
          { word: 'synced', n: synced, look: 'done' },
          { word: 'failed', n: failed, look: 'bad' },
          { word: 'queued', n: pending, look: 'wait' },
        ]}
      />
      <Bar
        label="Verified"
        total={total}
        parts={[
          { word: 'verified', n: verified, look: 'done' },
          { word: 'synced but not verified', n: Math.max(0, synced - verified), look: 'part' },
        ]}
      />
      {apart.length > 0 && <p class="soft">{apart.map(([word, n]) => `${word} ${number(n)}`).join(' · ')}</p>}
    </div>
  );
}
