import type { SiteStatus } from '../src/ledger/site-status.ts';
import { read } from './request.ts';
import { createStore } from './store.ts';

/** How the sites are, as it was last heard. */
export interface Live {
  /** `undefined` before anything was heard. */
  readonly sites: readonly SiteStatus[] | undefined;
  /** When the numbers were heard, in milliseconds since the epoch. */
  readonly at: number;
  /** `lost`: the starter does not answer now. */
  readonly link: 'joining' | 'live' | 'lost';
  /** Why the ledger does not answer; the numbers are then of `at`. */
  readonly away: string | undefined;
}

const AGAIN_MS = 3_000;
/** The starter says something at least every 15 s: a connection that is silent for longer has died without a word. */
const SILENCE_MS = 40_000;

export const live = createStore<Live>({ sites: undefined, at: 0, link: 'joining', away: undefined });

/** What changed that a person should hear of, for those who listen to the page. */
export const announced = createStore('');

/** Listens to the starter for as long as the page is open. */
export function listen(): void {
  const source = new EventSource('/api/v1/events');
  let silence: ReturnType<typeof setTimeout>;
  const again = (): void => {
    source.close();
    clearTimeout(silence);
    // Whether the ledger answers, nobody can tell then.
    live.set({ ...live.get(), link: 'lost', away: undefined });
    // Whether we may still read: asks for the token if not.
    setTimeout(() => void read('/sites').then(listen, again), AGAIN_MS);
  };
  const heard = (): void => {
    clearTimeout(silence);
    silence = setTimeout(again, SILENCE_MS);
  };
  source.addEventListener('open', heard);
  source.addEventListener('still', heard);
  source.addEventListener('sites', ({ data }: MessageEvent<string>) => {
    heard();
    const { items } = JSON.parse(data) as { items: SiteStatus[] };
    announceChanges(live.get().sites ?? [], items);
    live.set({ sites: items, at: Date.now(), link: 'live', away: undefined });
  });
  source.addEventListener('away', ({ data }: MessageEvent<string>) => {
    heard();
    const { error } = JSON.parse(data) as { error: { message: string } };
    live.set({ ...live.get(), link: 'live', away: error.message });
  });
  source.addEventListener('error', again);
  heard();
}

/** Numbers change each second; that a site became ready, or no longer is, is worth a word. */
function announceChanges(before: readonly SiteStatus[], now: readonly SiteStatus[]): void {
  const changed = now.filter(({ name, ready }) => before.some((old) => old.name === name && old.ready !== ready));
  if (changed.length === 0) return;
  announced.set(changed.map(({ name, ready, reason }) => `${name}: ${ready ? 'ready to take over' : `not ready, ${reason}`}`).join('. '));
}
