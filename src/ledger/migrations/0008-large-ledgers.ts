import { sql, type Migration } from 'kysely';

/* What `COUNTED` and `VERIFIED` of images.ts say. */
const COUNTED = `missing_since is null and not out_of_scope`;
const VERIFIED = `sync = 'synced' and verification = 'succeeded' and verified_digest = digest`;
const COUNTS = [
  'sum(n)',
  `coalesce(sum(n) filter (where sync = 'synced'), 0)`,
  `coalesce(sum(n) filter (where ${VERIFIED}), 0)`,
  `coalesce(sum(n) filter (where sync = 'failed'), 0)`,
  `coalesce(sum(n) filter (where sync in ('pending', 'started')), 0)`,
];
const rows = (sign: number, table: string) =>
  `select ${sign} as n, site, sync, verification, verified_digest, digest, missing_since, out_of_scope from ${table}`;
const count = (from: string) => `
  insert into image_counts (site, total, synced, verified, failed, pending)
  select site, ${COUNTS.join(', ')} from (${from}) changed where ${COUNTED} group by site
  having ${COUNTS.map((one) => `${one} <> 0`).join(' or ')};`;

const STATEMENTS = [
  // What a status counts, as sums of what each statement changed: nobody waits for a row that all would write, and nobody reads a million.
  `create table image_counts (
    site text collate "C" not null,
    total bigint not null,
    synced bigint not null,
    verified bigint not null,
    failed bigint not null,
    pending bigint not null
  )`,
  `create index image_counts_site on image_counts (site)`,
  `create function count_images() returns trigger language plpgsql as $$
  begin
    if tg_op = 'INSERT' then ${count(rows(1, 'new_images'))}
    elsif tg_op = 'DELETE' then ${count(rows(-1, 'old_images'))}
    else ${count(`${rows(1, 'new_images')} union all ${rows(-1, 'old_images')}`)}
    end if;
    return null;
  end $$`,
  `create trigger images_inserted after insert on images
    referencing new table as new_images for each statement execute function count_images()`,
  `create trigger images_deleted after delete on images
    referencing old table as old_images for each statement execute function count_images()`,
  `create trigger images_updated after update on images
    referencing old table as old_images new table as new_images for each statement execute function count_images()`,
  count(rows(1, 'images')),

  // Since when: the change that is not verified, else the last verification.
  `create index images_age on images (site, (coalesce(changed_at, verified_at)))`,
  `create index images_verified on images (site, verified_at) where ${COUNTED} and ${VERIFIED}`,
  `create index images_missing on images (site, repository, tag) where missing_since is not null`,
  `create index images_out_of_scope on images (site, repository, tag) where out_of_scope`,

  // How sites were, minute by minute.
  `create table site_samples (
    site text collate "C" not null,
    at bigint not null,
    lag_seconds bigint,
    recovery_point_seconds bigint,
    total bigint not null,
    verified bigint not null,
    failed bigint not null,
    pending bigint not null,
    images bigint not null,
    bytes bigint not null,
    primary key (site, at)
  )`,
];

/** What a ledger of a million images needs to be looked at, and how sites were over time. */
export const largeLedgers: Migration = {
  async up(db) {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
