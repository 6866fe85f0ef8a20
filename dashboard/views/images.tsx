import { useEffect, useState } from 'preact/hooks';
import type { ImageStatus } from '../../src/ledger/images.ts';
import type { Page } from '../../src/ledger/paging.ts';
import { count } from '../../src/model/text.ts';
import { doToImages, doToSite, IMAGE_DEEDS, SITE_DEEDS } from '../deeds.ts';
import { live } from '../live.ts';
import { FailureLine } from '../parts/failure-line.tsx';
import { Pager } from '../parts/pager.tsx';
import { place, to } from '../path.ts';
import { useRead, useTick } from '../use-read.ts';
import { filtersIn, ImageFilter } from './image-filter.tsx';
import { ImageTable } from './image-table.tsx';
import { SiteCard } from './site-card.tsx';

const PAGE = 50;
const EVERY_MS = 5_000;

/** A site and its images: searched, filtered, chosen, and done something with. */
export function Images({ site }: { readonly site: string }) {
  const status = live.use().sites?.find(({ name }) => name === site);
  const filters = filtersIn(place.use().query);
  const query = new URLSearchParams({ ...filters, limit: String(PAGE) }).toString();
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  useEffect(() => {
    setCursors([]);
    choose(new Set());
  }, [query]);
  const cursor = cursors.at(-1);
  const path = `/sites/${encodeURIComponent(site)}/images?${query}${cursor === undefined ? '' : `&cursor=${encodeURIComponent(cursor)}`}`;
  // A list is as live as the counts are, and no less than every few seconds.
  const { value, failure, again } = useRead<Page<ImageStatus>>(path, `${useTick(EVERY_MS)} ${versionOf(status)}`);
  return (
    <>
      <p class="path">
        <a href={to.sites}>Sites</a>
      </p>
      <h1 tabIndex={-1}>Images of {site}</h1>
      {status && <SiteCard site={status} brief />}
      <ImageFilter site={site} filters={filters} />
      <Chosen site={site} chosen={[...chosen]} failed={status?.failed ?? 0} done={() => (choose(new Set()), again())} />
      <FailureLine failure={failure} />
      {value && <ImageTable site={site} images={value.items} chosen={chosen} choose={choose} />}
      <Pager cursors={cursors} next={value?.next} turn={setCursors} />
    </>
  );
}

function versionOf(status: { synced: number; verified: number; failed: number; pending: number } | undefined): string {
  return status ? [status.synced, status.verified, status.failed, status.pending].join(' ') : '';
}

/** What can be done with what was chosen. */
function Chosen({ site, chosen, failed, done }: { site: string; chosen: readonly string[]; failed: number; done: () => void }) {
  const none = chosen.length === 0;
  return (
    <div class="chosen" role="group" aria-label="What to do with the chosen images">
      <span>{none ? 'None chosen' : `${count(chosen.length, 'image')} chosen`}</span>
      <span class="buttons">
        {IMAGE_DEEDS.map((deed) => (
          <button
            key={deed.verb}
            type="button"
            disabled={none}
            onClick={() => void doToImages(deed, site, chosen).then((ok) => ok && done())}
          >
            {deed.verb}
          </button>
        ))}
        {failed > 0 && (
          <button type="button" class="main" onClick={() => void doToSite(SITE_DEEDS['retry-failed'], site).then((ok) => ok && done())}>
            {SITE_DEEDS['retry-failed'].verb} ({failed})
          </button>
        )}
      </span>
    </div>
  );
}
