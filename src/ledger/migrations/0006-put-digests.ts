import { sql, type Migration } from 'kysely';

/** What may lie at a secondary's tag by Twinport's doing, for whoever died before it could tell. Empty is what the release before leaves: then `verified_digest` says it. */
export const putDigests: Migration = {
  async up(db) {
    await sql`alter table images add column put_digests text[] not null default '{}'`.execute(db);
  },
};
