import { useState } from 'preact/hooks';
import type { HeldDeletion } from '../../src/ledger/decide-deletions.ts';
import type { HeldMove } from '../../src/ledger/decide-moves.ts';
import type { Page } from '../../src/ledger/paging.ts';
import { count, shortDigest } from '../../src/model/text.ts';
import { decide } from '../deeds.ts';
import { live } from '../live.ts';
import { FailureLine } from '../parts/failure-line.tsx';
import { When } from '../parts/when.tsx';
import { to } from '../path.ts';
import { useRead, useTick } from '../use-read.ts';

const EVERY_MS = 5_000;

/** Everything that waits for a person, at all sites. */
export function Held() {
  const { sites } = live.use();
  const waiting = sites?.filter(({ held, heldMoves }) => held + heldMoves > 0) ?? [];
  return (
    <>
      <h1 tabIndex={-1}>Waiting for a decision</h1>
      {sites !== undefined && waiting.length === 0 && (
        <p class="empty">Nothing is held: no deletion and no move back goes over what the guard lets pass by itself.</p>
      )}
      {waiting.map(({ name, held, heldMoves }) => (
        <section key={name} aria-label={name} data-site={name}>
          <h2>{name}</h2>
          {held > 0 && <HeldList site={name} what="deletions" version={held} />}
          {heldMoves > 0 && <HeldList site={name} what="moves" version={heldMoves} />}
        </section>
      ))}
    </>
  );
}

type HeldRow = HeldDeletion | HeldMove;
interface ListProps {
  readonly site: string;
  readonly what: 'deletions' | 'moves';
  /** Changes with what is held. */
  readonly version: number;
}

function HeldList({ site, what, version }: ListProps) {
  const { value, failure, again } = useRead<Page<HeldRow>>(
    `/sites/${encodeURIComponent(site)}/${what}?limit=500`,
    `${useTick(EVERY_MS)} ${version}`,
  );
  // Nothing is chosen by itself: what comes while somebody reads must not be decided along.
  const [picked, pick] = useState<ReadonlySet<string>>(new Set());
  const rows = value?.items ?? [];
  const chosen = rows.filter(({ id }) => picked.has(id));
  const all = rows.length > 0 && chosen.length === rows.length;
  const act = (verdict: 'approve' | 'reject') => void decide(site, what, verdict, chosen).then(again);
  const toggle = (id: string): void => {
    const next = new Set(picked);
    if (!next.delete(id)) next.add(id);
    pick(next);
  };
  const toggleAll = (): void => pick(new Set(all ? [] : rows.map(({ id }) => id)));
  return (
    <>
      <h3>{what === 'deletions' ? `${count(version, 'deletion')} held` : `${count(version, 'move')} held`}</h3>
      <FailureLine failure={failure} />
      <table class="list">
        <thead>
          <tr>
            <th>
              <input type="checkbox" aria-label={`Choose all ${what} shown`} checked={all} onChange={toggleAll} />
            </th>
            <th>{what === 'deletions' ? 'What would go' : 'What would move'}</th>
            <th>Why it is held</th>
            <th class="more">Since</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.id} site={site} row={row} chosen={picked.has(row.id)} toggle={() => toggle(row.id)} />
          ))}
        </tbody>
      </table>
      <div class="chosen" role="group" aria-label={`Decide on ${what}`}>
        <span>{chosen.length} chosen</span>
        <span class="buttons">
          <button type="button" class="danger" disabled={chosen.length === 0} onClick={() => act('approve')}>
            {what === 'deletions' ? 'Approve: delete them' : 'Approve: move them'}
          </button>
          <button type="button" disabled={chosen.length === 0} onClick={() => act('reject')}>
            {what === 'deletions' ? 'Reject: keep them' : 'Reject: leave them'}
          </button>
        </span>
      </div>
    </>
  );
}

function Row({ site, row, chosen, toggle }: { site: string; row: HeldRow; chosen: boolean; toggle: () => void }) {
  return (
    <tr class={chosen ? 'on' : ''}>
      <td>
        <input type="checkbox" aria-label={`Choose ${row.reference}`} checked={chosen} onChange={toggle} />
      </td>
      <td>
        <a href={to.image(site, row.reference)}>
          <code>{row.reference}</code>
        </a>
        <p class="soft">
          <code>{'digest' in row ? shortDigest(row.digest) : `${shortDigest(row.from)} → ${shortDigest(row.to)}`}</code>
        </p>
      </td>
      <td>{row.reason ?? 'no reason is recorded'}</td>
      <td class="more">
        <When at={row.createdAt} />
        {row.expiresAt !== null && <p class="soft">until {row.expiresAt.slice(0, 10)}</p>}
      </td>
    </tr>
  );
}
