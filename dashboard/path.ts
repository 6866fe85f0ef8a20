import { createStore } from './store.ts';

/** What an address shows. */
export type Route =
  | { readonly view: 'sites' | 'held' | 'activity' | 'setup' | 'nothing' }
  | { readonly view: 'images'; readonly site: string }
  | { readonly view: 'image'; readonly site: string; readonly reference: string };

/** Where the browser is. */
export interface Place {
  readonly route: Route;
  readonly query: URLSearchParams;
}

const FIXED: Readonly<Record<string, Route['view'] & ('sites' | 'held' | 'activity' | 'setup')>> = {
  '/': 'sites',
  '/deletions': 'held',
  '/activity': 'activity',
  '/setup': 'setup',
};

/** Addresses of views; names keep their slashes, all else is escaped. */
export const to = {
  sites: '/',
  held: '/deletions',
  activity: '/activity',
  setup: '/setup',
  images: (site: string, query: Readonly<Record<string, string>> = {}): string => {
    const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
    return `/sites/${encodeURIComponent(site)}${search === '' ? '' : `?${search}`}`;
  },
  image: (site: string, reference: string): string => `/sites/${encodeURIComponent(site)}/images/${escapedPath(reference)}`,
};

/** A reference as part of a path. */
export function escapedPath(reference: string): string {
  return reference.split('/').map(encodeURIComponent).join('/');
}

/** What a path shows. */
export function routeOf(pathname: string): Route {
  const fixed = FIXED[pathname];
  if (fixed) return { view: fixed };
  const [, site, , reference] = /^\/sites\/([^/]+)(\/images\/(.+))?$/.exec(pathname) ?? [];
  if (site === undefined) return { view: 'nothing' };
  try {
    const name = decodeURIComponent(site);
    return reference === undefined
      ? { view: 'images', site: name }
      : { view: 'image', site: name, reference: decodeURIComponent(reference) };
  } catch {
    return { view: 'nothing' }; // Half an escape.
  }
}

const here = (): Place => ({ route: routeOf(location.pathname), query: new URLSearchParams(location.search) });

/** Where the browser is now. */
export const place = createStore<Place>(here());

/** Goes to a view, or, with `replace`, calls where we are by another address. */
export function go(href: string, replace = false): void {
  if (replace) history.replaceState(undefined, '', href);
  else history.pushState(undefined, '', href);
  place.set(here());
}

/** Has links of our own change the view instead of loading the page, and the browser's own buttons too. */
export function followLinks(): void {
  addEventListener('popstate', () => place.set(here()));
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (!link || !plain || event.defaultPrevented || link.target !== '' || link.origin !== location.origin || link.hash !== '') return;
    event.preventDefault();
    go(link.href);
    scrollTo(0, 0);
    // As after a load: who listens to the page hears of the new view, and the keyboard starts at its top.
    requestAnimationFrame(() => document.querySelector<HTMLElement>('h1')?.focus());
  });
}
