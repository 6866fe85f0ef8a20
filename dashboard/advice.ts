import type { SiteStatus } from '../src/ledger/site-status.ts';
import { count } from '../src/model/text.ts';
import { to } from './path.ts';

/** What a person can do about a site that is not ready. */
export interface Advice {
  readonly text: string;
  readonly link?: { readonly href: string; readonly words: string };
  /** Done with one press. */
  readonly deed?: 'retry-failed' | 'resume' | 'scan';
}

/** What to do, the most pressing first; deletions that are held want somebody also where a site is ready. */
export function adviceFor(site: SiteStatus): readonly Advice[] {
  const now = site.ready ? [] : [...heldBack(site), ...undone(site), ...waiting(site)];
  return [...now, ...deletions(site)];
}

function deletions({ held }: SiteStatus): Advice[] {
  if (held === 0) return [];
  const link = { href: to.held, words: 'Decide' };
  return [{ text: `${count(held, 'deletion')} of the primary ${held === 1 ? 'is' : 'are'} not followed here before you decide.`, link }];
}

function heldBack({ regressed, heldMoves, paused, workers, temporalAway, name }: SiteStatus): Advice[] {
  const advice: Advice[] = [];
  if (regressed && regressed.state !== 'approved') {
    advice.push({
      text: `The primary lacks ${regressed.missing} of ${regressed.sampled} images that were verified from it: it may have been wiped or set back. Nothing at this site is overwritten or deleted until you decide, below.`,
    });
  }
  if (workers === 0 && temporalAway)
    advice.push({ text: 'Temporal does not answer: see whether it runs, and whether this starter reaches it.' });
  else if (workers === 0) advice.push({ text: `No worker polls. Start "twinport worker --site ${name}" beside this site's registry.` });
  if (paused) advice.push({ text: 'The site is paused: its workers begin nothing.', deed: 'resume' });
  if (heldMoves > 0) {
    const link = { href: to.held, words: 'Decide' };
    advice.push({
      text: `${count(heldMoves, 'tag')} would go back to an older image, and ${heldMoves === 1 ? 'waits' : 'wait'} for you.`,
      link,
    });
  }
  return advice;
}

function undone({ failed, name, reason, backfill }: SiteStatus): Advice[] {
  const advice: Advice[] = [];
  if (failed > 0) {
    const link = { href: to.images(name, { state: 'failed' }), words: 'See why' };
    advice.push({ text: `${count(failed, 'image')} could not be brought over.`, link, deed: 'retry-failed' });
  }
  if (reason?.includes('could not be scanned') === true) {
    advice.push({ text: 'Check that the primary lists these repositories, then scan again.', deed: 'scan' });
  }
  if (backfill.state === 'none' || backfill.state === 'failed' || backfill.state === 'cancelled') {
    advice.push({ text: 'No scan of the whole primary has ended yet.', deed: 'scan' });
  }
  return advice;
}

function waiting({ pending, workers, paused, backfill }: SiteStatus): Advice[] {
  if (workers === 0 || paused) return [];
  if (backfill.state === 'running') return [{ text: 'The backfill runs: nothing to do but wait.' }];
  return pending > 0 ? [{ text: `${count(pending, 'image')} queued: nothing to do but wait.` }] : [];
}
