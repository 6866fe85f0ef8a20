import { sql, type Migration } from 'kysely';

const STATEMENTS = [
  // Which repositories the primary's catalog listed, and in which of its listings first and last.
  `create table listed_repositories (
    site text collate "C" not null,
    repository text collate "C" not null,
    first_listed_at bigint not null,
    last_listed_at bigint not null,
    primary key (site, repository)
  )`,
  `create table waivers (
    site text collate "C" not null,
    repository text collate "C" not null,
    tag text collate "C" not null,
    actor text not null,
    reason text not null,
    at bigint not null,
    primary key (site, repository, tag)
  )`,
  `alter table repositories add column closed_scan_at bigint`,
  `alter table sites add column recovery_point bigint`,
  `create index images_unverified on images (site, repository) where changed_at is not null`,
];

/** What the recovery point is computed from. */
export const recoveryPoint: Migration = {
  async up(db) {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
