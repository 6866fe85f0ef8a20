import { sql, type Migration } from 'kysely';

const STATEMENTS = [
  // A waiver is of a tag at one digest; null: of a tag whose digest nobody could read.
  `alter table waivers add column digest text`,
  // Which tags a page could not read: waived ones do not keep a scan from being whole.
  `alter table scan_pages add column failed_tags text[] not null default '{}'`,
  // Under which policy a repository was last scanned: what a new filter lets in is no change at the primary.
  `alter table repositories add column revision text`,
  // What cannot be mended: what was expected, and what was found.
  `alter table images add column difference jsonb`,
  // Changes that a scan found, until it is told whether an event announced them.
  `create table found_changes (
    site text collate "C" not null,
    repository text collate "C" not null,
    tag text collate "C" not null,
    action text not null check (action in ('push', 'delete')),
    digest text not null,
    since bigint not null,
    found_at bigint not null,
    primary key (site, repository, tag, found_at)
  )`,
  `create index found_changes_age on found_changes (found_at)`,
  // Those that none did, by the source that should have.
  `create table missed_events (
    site text collate "C" not null,
    source text not null,
    action text not null,
    missed bigint not null,
    last_at bigint not null,
    last_repository text not null,
    last_tag text not null,
    primary key (site, source, action)
  )`,
  `create index events_of on events (repository, received_at)`,
  // What Twinport itself pushed to the primary, and when its event came.
  `create table canaries (
    id bigint generated always as identity primary key,
    repository text not null,
    digest text,
    pushed_at bigint not null,
    received_at bigint,
    source text,
    failure text
  )`,
  `create index canaries_age on canaries (pushed_at)`,
];

/** Waivers of a digest, missed events, the canary, and differences in so many words. */
export const recovery: Migration = {
  async up(db) {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
