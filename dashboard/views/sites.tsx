import { live } from '../live.ts';
import { SiteCard } from './site-card.tsx';

/** Every site: could it take over, what does it lack, why, what to do. */
export function Sites() {
  const { sites } = live.use();
  const ready = sites?.filter((site) => site.ready).length ?? 0;
  return (
    <>
      <h1 tabIndex={-1}>{sites === undefined || sites.length === 0 ? 'Sites' : headline(ready, sites.length)}</h1>
      {sites?.length === 0 && <p>No site is configured: give “secondaries” in twinport.yaml.</p>}
      <div class="cards">
        {sites?.map((site) => (
          <SiteCard key={site.name} site={site} />
        ))}
      </div>
    </>
  );
}

function headline(ready: number, all: number): string {
  if (all === 1) return ready === 1 ? 'The site could take over now' : 'The site could not take over now';
  if (ready === all) return `${all === 2 ? 'Both' : `All ${all}`} sites could take over now`;
  return ready === 0 ? `None of ${all} sites could take over now` : `${ready} of ${all} sites could take over now`;
}
