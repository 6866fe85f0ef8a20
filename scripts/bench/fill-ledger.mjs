import pg from 'pg';

const CHUNK = 20_000;

/**
 * Fills a ledger with images of the site `eu` as their scans and verifications would: a repository has `tags` of them. What they are is SQL over
 * `g`, an image's number, or `r`, a repository's.
 */
export function fillLedger(config, { from = 0, rows, tags, repository, tag, digest, state = `'synced'` }) {
  const now = Date.now();
  return withClient(config, async (client) => {
    for (let at = from; at < rows; at += CHUNK) {
      await client.query(`insert into images (site, repository, tag, digest, sync, verification, bytes, look, look_end, looked_at, verified_at, verified_digest,
          changed_at, reason, put_digests, attempts)
        select 'eu', name, tag, d, s, case when s = 'synced' then 'succeeded' else 'pending' end,
          50000000, at, at, at, case when s = 'synced' then at end, case when s = 'synced' then d end, case when s <> 'synced' then at end,
          case when s = 'failed' then 'the primary lacks a blob of it' end, array[d], 0
        from (select name, tag, ${digest} as d, ${now - 10_000_000}::bigint + g % 1000000 * 10 as at, ${state} as s
          from (select g, ${repository} as name, ${tag} as tag
            from (select g, g / ${tags} as r from generate_series(${at}, ${Math.min(at + CHUNK, rows) - 1}) g) numbers) named) x`);
    }
    const numbers = `generate_series(${Math.floor(from / tags)}, ${Math.ceil(rows / tags) - 1}) r`;
    await client.query(`insert into repositories (site, repository, last_scan, scan_started, pages, listed, excluded, foreign_tags, complete, completed_scan_at, closed_scan_at)
      select 'eu', ${repository}, 's' || r, ${now}, 1, ${tags}, 0, 0, true, ${now}, ${now} from ${numbers}`);
    await client.query(`insert into listed_repositories (site, repository, first_listed_at, last_listed_at)
      select 'eu', ${repository}, ${now - 90_000_000}, ${now - 60_000} from ${numbers}`);
    await client.query(`insert into scans (id, site, repository, started_at, pages, listed, excluded, complete, finished_at)
      select 's' || r, 'eu', ${repository}, ${now}, 1, ${tags}, 0, true, ${now + 1} from ${numbers}`);
    await client.query('vacuum analyze');
  });
}

/** Does work that may take long with a connection of its own. */
export async function withClient(config, work) {
  const client = new pg.Client({ ...config, statement_timeout: 0 });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
