import { useEffect } from 'preact/hooks';
import type { Info } from '../src/processes/starter/api/info.ts';
import { note } from './dialogs.ts';
import { announced, live } from './live.ts';
import { Dialogs } from './parts/dialogs.tsx';
import { place, to, type Route } from './path.ts';
import { useRead, useTick } from './use-read.ts';
import { Activity } from './views/activity.tsx';
import { Held } from './views/held.tsx';
import { Image } from './views/image.tsx';
import { Images } from './views/images.tsx';
import { Setup } from './views/setup.tsx';
import { Sites } from './views/sites.tsx';
import { moment, number } from './words.ts';

const INFO_MS = 15_000;

/** The whole page. */
export function App() {
  const { route } = place.use();
  useEffect(() => {
    document.title = `${titleOf(route)} – Twinport`;
  }, [route]);
  return (
    <>
      <a class="skip" href="#main">
        To the content
      </a>
      <Header route={route} />
      <main id="main">
        <Stale />
        <View route={route} />
      </main>
      <Said />
      <Dialogs />
    </>
  );
}

function View({ route }: { readonly route: Route }) {
  const { sites } = live.use();
  if ('site' in route) {
    // Before it is known which sites there are, nothing is asked of one that may not be.
    if (sites === undefined) return <h1 tabIndex={-1}>{route.site}</h1>;
    if (sites.every(({ name }) => name !== route.site)) return <Nothing words={`There is no site “${route.site}”`} />;
  }
  switch (route.view) {
    case 'sites':
      return <Sites />;
    case 'images':
      return <Images key={route.site} site={route.site} />;
    case 'image':
      return <Image key={`${route.site} ${route.reference}`} site={route.site} reference={route.reference} />;
    case 'held':
      return <Held />;
    case 'activity':
      return <Activity />;
    case 'setup':
      return <Setup />;
    case 'nothing':
      return <Nothing words="There is nothing at this address" />;
  }
}

function Nothing({ words }: { readonly words: string }) {
  return (
    <section>
      <h1 tabIndex={-1}>{words}</h1>
      <p>
        <a href={to.sites}>To the sites</a>
      </p>
    </section>
  );
}

function Header({ route }: { readonly route: Route }) {
  const { sites = [] } = live.use();
  const { value: info } = useRead<Info>('/info', useTick(INFO_MS));
  const held = sites.reduce((sum, site) => sum + site.held + site.heldMoves, 0);
  const links: readonly (readonly [string, string, boolean])[] = [
    [to.sites, 'Sites', ['sites', 'images', 'image'].includes(route.view)],
    [to.held, held > 0 ? `Held (${number(held)})` : 'Held', route.view === 'held'],
    [to.activity, 'Activity', route.view === 'activity'],
    [to.setup, 'Setup', route.view === 'setup'],
  ];
  return (
    <header>
      <a class="brand" href={to.sites}>
        Twinport
      </a>
      <nav aria-label="Views">
        {links.map(([href, words, here]) => (
          <a key={href} href={href} {...(here && { 'aria-current': 'page' as const })}>
            {words}
          </a>
        ))}
        {info?.webUi != null && (
          <a href={info.webUi} target="_blank" rel="noreferrer">
            Temporal ↗
          </a>
        )}
      </nav>
      {info !== undefined && info.inbox > 0 && <span class="badge wait">{number(info.inbox)} events wait for Temporal</span>}
    </header>
  );
}

/** Numbers that nobody vouches for now say of when they are. */
function Stale() {
  const { link, away, at, sites } = live.use();
  if (link === 'live' && away === undefined) return null;
  if (link === 'joining') return <p class="stale">Asking how the sites are …</p>;
  const what = away === undefined ? 'The connection to Twinport is lost; trying again.' : `The ledger is away: ${away}.`;
  return (
    <p class="stale bad" role="alert">
      {what} {sites === undefined ? 'Nothing is known of the sites.' : `All numbers are as of ${moment(at)}.`}
    </p>
  );
}

/** What was done, and what changed, said aloud too. */
function Said() {
  const said = note.use();
  const change = announced.use();
  return (
    <>
      <div class={`note ${said?.bad === true ? 'bad' : ''}`} hidden={!said} role="status">
        <span>{said?.text ?? ''}</span>
        <button type="button" onClick={() => note.set(undefined)} aria-label="Close this message">
          ✕
        </button>
      </div>
      <p class="unseen" aria-live="polite">
        {change}
      </p>
    </>
  );
}

function titleOf(route: Route): string {
  switch (route.view) {
    case 'images':
      return route.site;
    case 'image':
      return route.reference;
    default:
      return { sites: 'Sites', held: 'Held', activity: 'Activity', setup: 'Setup', nothing: 'Nothing here' }[route.view];
  }
}
