import { sql, type Migration } from 'kysely';

/** Names are ordered by their bytes everywhere, whatever the database's own collation: a page's end must mean the same to all. */
const STATEMENTS = [
  `create table meta (name text primary key, value text not null)`,

  `create table sites (
    name text collate "C" primary key,
    fingerprint text not null,
    paused boolean not null default false,
    created_at bigint not null,
    backfill jsonb,
    backfilled_at bigint,
    catalog_excluded integer not null default 0,
    catalog_at bigint
  )`,

  `create table repositories (
    site text collate "C" not null,
    repository text collate "C" not null,
    last_scan text not null,
    scan_started bigint not null,
    pages integer not null,
    listed integer not null,
    excluded integer not null,
    foreign_tags integer not null,
    complete boolean not null,
    completed_scan_at bigint,
    absent_since bigint,
    out_of_scope boolean not null default false,
    primary key (site, repository)
  )`,

  `create table images (
    site text collate "C" not null,
    repository text collate "C" not null,
    tag text collate "C" not null,
    digest text,
    sync text not null check (sync in ('pending', 'started', 'synced', 'failed')),
    verification text not null check (verification in ('pending', 'started', 'succeeded', 'failed')),
    reason text,
    code text,
    attempts integer not null default 0,
    bytes bigint,
    look bigint not null,
    look_end bigint not null,
    look_digest text,
    overlap boolean not null default false,
    looked_at bigint not null,
    verified_at bigint,
    verified_digest text,
    changed_at bigint,
    received_at bigint,
    missing_since bigint,
    missing_look bigint,
    out_of_scope boolean not null default false,
    primary key (site, repository, tag)
  )`,
  `create index images_unsynced on images (site, sync, repository, tag) where sync <> 'synced'`,
  `create index images_changed on images (site, changed_at) where changed_at is not null`,

  `create table scans (
    id text primary key,
    site text collate "C" not null,
    repository text collate "C",
    started_at bigint not null,
    pages integer not null,
    listed integer not null,
    excluded integer not null,
    complete boolean not null,
    closed boolean not null default false,
    finished_at bigint
  )`,
  `create index scans_of on scans (site, repository, started_at)`,
  `create index scans_age on scans (started_at)`,
  `create table scan_pages (
    scan text not null,
    after_tag text collate "C" not null,
    look bigint not null,
    listed integer not null,
    excluded integer not null,
    foreign_tags integer not null,
    failures integer not null,
    last boolean not null,
    primary key (scan, after_tag)
  )`,

  `create table tag_history (
    id bigint generated always as identity primary key,
    site text collate "C" not null,
    repository text collate "C" not null,
    tag text collate "C" not null,
    old_digest text not null,
    new_digest text,
    at bigint not null,
    look bigint not null
  )`,
  `create unique index tag_history_once on tag_history (site, repository, tag, old_digest, coalesce(new_digest, ''), look)`,
  `create index tag_history_age on tag_history (at)`,

  `create table events (
    id bigint generated always as identity primary key,
    event_id text not null,
    source text not null,
    repository text collate "C" not null,
    action text not null,
    tag text collate "C",
    digest text,
    received_at bigint not null
  )`,
  `create index events_deletes on events (repository, received_at) where action = 'delete'`,
  `create index events_age on events (received_at)`,

  `create table inbox (
    id bigint generated always as identity primary key,
    site text collate "C" not null,
    change jsonb not null,
    received_at bigint not null,
    leased_until bigint not null default 0,
    attempts integer not null default 0
  )`,

  `create table deletions (
    id text primary key,
    site text collate "C" not null,
    repository text collate "C" not null,
    tag text collate "C" not null,
    digest text not null,
    state text not null check (state in ('reserved', 'held', 'approved', 'rejected', 'expired', 'cancelled', 'done')),
    reason text,
    created_at bigint not null,
    decided_at bigint,
    decided_by text,
    expires_at bigint,
    reserved_at bigint,
    done_at bigint
  )`,
  `create unique index deletions_open on deletions (site, repository, tag) where state in ('reserved', 'held', 'approved')`,
  `create index deletions_state on deletions (site, state, repository, tag)`,
  `create index deletions_reserved on deletions (site, reserved_at) where state in ('reserved', 'done')`,

  `create table audit (
    id bigint generated always as identity primary key,
    at bigint not null,
    actor text not null,
    action text not null,
    site text collate "C",
    detail jsonb not null
  )`,
  `create index audit_age on audit (at)`,

  `create table workers (
    site text collate "C" not null,
    identity text not null,
    last_poll bigint not null,
    primary key (site, identity)
  )`,
];

/** The first tables. */
export const tables: Migration = {
  async up(db) {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
