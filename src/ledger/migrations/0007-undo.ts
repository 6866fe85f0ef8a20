import { sql, type Migration } from 'kysely';

const STATEMENTS = [
  // A person set the tag back: what the primary did to it waits for a person too, whatever the budget.
  `alter table moves add column undo boolean not null default false`,
  `alter table deletions add column undo boolean not null default false`,
];

/** Tags that a person set back. */
export const undo: Migration = {
  async up(db) {
    for (const statement of STATEMENTS) await sql.raw(statement).execute(db);
  },
};
