import { sql, type Migration } from 'kysely';

/** What was seen to refer to each image; null until it is verified again. */
export const referrers: Migration = {
  async up(db) {
    await sql`alter table images add column referrers jsonb`.execute(db);
  },
};
