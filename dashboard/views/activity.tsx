import { useState } from 'preact/hooks';
import type { AuditItem } from '../../src/ledger/audit.ts';
import type { Page } from '../../src/ledger/paging.ts';
import { live } from '../live.ts';
import { FailureLine } from '../parts/failure-line.tsx';
import { Pager } from '../parts/pager.tsx';
import { When } from '../parts/when.tsx';
import { useRead, useTick } from '../use-read.ts';

const PAGE = 50;
const EVERY_MS = 5_000;
const ACTORS: Readonly<Record<string, string>> = { page: 'this page', api: 'the API', twinport: 'Twinport itself' };

/** Who did what, the latest first. */
export function Activity() {
  const { sites = [] } = live.use();
  const [site, setSite] = useState('');
  const [cursors, setCursors] = useState<readonly string[]>([]);
  const query = new URLSearchParams({
    limit: String(PAGE),
    ...(site !== '' && { site }),
    ...(cursors.length > 0 && { cursor: cursors.at(-1) ?? '' }),
  });
  const { value, failure } = useRead<Page<AuditItem>>(`/audit?${query}`, useTick(EVERY_MS));
  return (
    <>
      <h1 tabIndex={-1}>Activity</h1>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <label>
          Site
          <select value={site} onChange={({ currentTarget }) => (setCursors([]), setSite(currentTarget.value))}>
            <option value="">All</option>
            {sites.map(({ name }) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      </form>
      <FailureLine failure={failure} />
      {value?.items.length === 0 && <p class="empty">Nobody has done anything yet.</p>}
      <ol class="audit">
        {value?.items.map((item, at) => (
          <li key={`${item.at} ${at}`}>
            <span>
              <strong>{item.action}</strong> {item.site !== null && <>at {item.site} </>}by {ACTORS[item.actor] ?? item.actor}
            </span>
            <When at={item.at} />
            <Detail detail={item.detail} />
          </li>
        ))}
      </ol>
      <Pager cursors={cursors} next={value?.next} turn={setCursors} />
    </>
  );
}

function Detail({ detail }: { readonly detail: object }) {
  const entries = Object.entries(detail);
  if (entries.length === 0) return null;
  return (
    <p class="soft">{entries.map(([key, value]) => `${key}: ${typeof value === 'string' ? value : JSON.stringify(value)}`).join(' · ')}</p>
  );
}
