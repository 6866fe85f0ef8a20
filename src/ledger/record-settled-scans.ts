import { sql } from 'kysely';
import type { RecordScanInput, RecordScanResult, RecordScansInput, RecordScansResult } from '../model/steps.ts';
import { asked, transactIf, type Db, type Ledger } from './ledger.ts';
import { recordPages } from './record-scan.ts';
import { foreignTags } from './scan-pages.ts';

/** Of one record of many scans; what is left by then goes to workflows of its own. */
const ALL_MS = 20_000;
/** Rows of images that one transaction for many repositories locks: while it lasts, records of pushes to them wait. */
const ROWS_AT_ONCE = 2_000;

/**
 * Records scans of repositories that are equal on both sides, each whole or not at all: one that leaves something to do stays as it was, for a workflow that
 * does it. Safe to repeat.
 * @throws {TwinportError} LEDGER
 */
export async function recordSettledScans(
  ledger: Ledger,
  { policy, scan, equal }: RecordScansInput,
  at: number,
  inScope: (tag: string) => boolean,
): Promise<RecordScansResult> {
  const until = performance.now() + ALL_MS;
  // A registry's list may name one twice.
  const pages = new Map(equal.map(({ repository, page }) => [repository, page]));
  const inputs = [...pages].map(([repository, page]): RecordScanInput => {
    return { policy, repository, scan: `${scan}/${repository}`, page, verify: 'auto' };
  });
  const settled = new Set<string>();
  for (const some of await asked(() => inTransactions(ledger.db, policy.site, inputs))) {
    // A ledger that is slow is not to be asked for the same again and again.
    if (performance.now() > until) break;
    for (const { repository } of await recordSettled(ledger, policy.site, some, at, inScope)) settled.add(repository);
  }
  const others = inputs.map(({ repository }) => repository).filter((repository) => !settled.has(repository));
  return { summary: `${settled.size} of ${inputs.length} repositories settled`, others };
}

/** Cuts what is to be recorded into transactions, by the rows that each will lock: tags that are excluded have rows, too. */
async function inTransactions(db: Db, site: string, inputs: readonly RecordScanInput[]): Promise<RecordScanInput[][]> {
  const rows = await rowsOf(db, site, inputs);
  const cut: RecordScanInput[][] = [];
  let sum = Infinity;
  for (const input of inputs) {
    const here = Math.max(rows.get(input.repository) ?? 0, input.page.tags.length);
    if (sum + here > ROWS_AT_ONCE) {
      cut.push([]);
      sum = 0;
    }
    cut.at(-1)?.push(input);
    sum += here;
  }
  return cut;
}

async function rowsOf(db: Db, site: string, inputs: readonly RecordScanInput[]): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ repository: string; rows: number }>`
    select repository, count(*) as rows from images
    where site = ${site} and repository = any(${inputs.map(({ repository }) => repository)}::text[])
    group by repository`.execute(db);
  return new Map(rows.map(({ repository, rows: count }) => [repository, count]));
}

/** Records those of some pages that leave nothing to do. @returns these */
async function recordSettled(
  ledger: Ledger,
  site: string,
  inputs: readonly RecordScanInput[],
  at: number,
  inScope: (tag: string) => boolean,
): Promise<readonly RecordScanInput[]> {
  for (let left = inputs; left.length > 0;) {
    const pages = left;
    const whole = await transactIf(ledger, async (trx) => {
      const foreign = await foreignTags(
        trx,
        site,
        pages.map(({ repository }) => repository),
      );
      const recorded = await recordPages(trx, site, pages, at, inScope);
      left = pages.filter((page, i) => {
        const result = recorded[i];
        // Tags that were ours, and are being deleted, look like somebody else's.
        return result && isSettled(result) && result.foreign === (foreign.get(page.repository) ?? 0);
      });
      return left.length === pages.length;
    });
    if (whole) return pages;
  }
  return [];
}

function isSettled({ verify, gone, expired, moves, held, sample }: RecordScanResult): boolean {
  return verify.length === 0 && gone.length === 0 && !expired && !moves && !held && !sample;
}
