import { formatAge } from '../src/model/text.ts';

/** A number as people read it: `12,345`. */
export function number(n: number): string {
  return n.toLocaleString('en');
}

/** How long ago a moment was, by this machine's clock: `3 min ago`; `never` for none. */
export function ago(at: string | null | undefined): string {
  return at == null ? 'never' : since((Date.now() - Date.parse(at)) / 1000);
}

/** So many seconds ago; `just now` also for clocks that differ. */
export function since(seconds: number): string {
  return seconds < 2 ? 'just now' : `${formatAge(seconds)} ago`;
}

/** A moment in full, for who wants to know exactly: `2026-11-30 10:26:00 UTC`. */
export function moment(at: string | number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** How an image is, in Geo's words. */
export function stateOf({ sync, verification, waived }: { sync: string; verification: string; waived: boolean }): {
  readonly word: string;
  readonly tone: 'good' | 'bad' | 'wait' | 'plain';
} {
  if (sync === 'failed') return { word: waived ? 'Failed, waived' : 'Failed', tone: waived ? 'wait' : 'bad' };
  if (sync === 'started') return { word: 'Copying', tone: 'wait' };
  if (sync === 'pending') return { word: 'Queued', tone: 'wait' };
  return verification === 'succeeded' ? { word: 'Verified', tone: 'good' } : { word: 'Synced, not verified', tone: 'wait' };
}

/** What became of a share: `97 of 100`. */
export function share(n: number, of: number): string {
  return `${number(n)} of ${number(of)}`;
}
