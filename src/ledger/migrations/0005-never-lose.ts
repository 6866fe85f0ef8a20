import { sql, type Migration } from 'kysely';

const STATEMENTS = [
  // Tags at the secondary that keep what another lost, since they were first seen.
  `create table keeps (
    site text collate "C" not null,
    repository text collate "C" not null,
    tag text collate "C" not null,
    since bigint not null,
    primary key (site, repository, tag)
  )`,
  // What it stands for could not be kept, and a person is asked whether it may go all the same.
  `alter table deletions add column unkept boolean not null default false`,
  // Tags that the primary moved back to what they held before.
  `create table moves (
    id text primary key,
    site text collate "C" not null,
    repository text collate "C" not null,
    tag text collate "C" not null,
    from_digest text not null,
    to_digest text not null,
    state text not null check (state in ('reserved', 'held', 'approved', 'rejected', 'expired', 'cancelled', 'done')),
    reason text,
    created_at bigint not null,
    decided_at bigint,
    decided_by text,
    expires_at bigint,
    done_at bigint
  )`,
  `create unique index moves_open on moves (site, repository, tag) where state in ('reserved', 'held', 'approved', 'rejected')`,
  `create index moves_state on moves (site, state, repository, tag)`,
  `create index moves_age on moves (site, created_at)`,
  // Primaries that lack what was verified from them.
  `create table regressions (
    site text collate "C" primary key,
    state text not null check (state in ('held', 'approved', 'rejected')),
    since bigint not null,
    sampled integer not null,
    missing integer not null,
    decided_at bigint,
    decided_by text
  )`,
];

/** Tags that are kept, moves back, and primaries that regressed. */
export const neverLose: Migration = {
  async up(db) {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
