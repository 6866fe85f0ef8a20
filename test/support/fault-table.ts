import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { difference, walk, type Holdings, type WalkOptions } from './walk.ts';

const rows = (JSON.parse(readFileSync('scripts/faults/rows.json', 'utf8')) as { row: string }[]).map(({ row }) => row);

// Read now: some tests take the environment away.
const file = process.env['TWINPORT_FAULTS'];

/** What Twinport calls verified. */
export interface Claim {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  /** When it was verified last. */
  readonly verifiedAt?: string | null;
}

export interface WatchedParts {
  /** Of the registries themselves, without the proxies that injure them. */
  readonly primary: string;
  readonly secondary: string;
  readonly options?: WalkOptions;
  /** How long to rest between two looks for lies; 200 if absent. */
  readonly everyMs?: number;
  /** What is called verified now, of the repositories that are walked. */
  claims(): Promise<readonly Claim[]>;
  /**
   * Whether what the secondary holds (`undefined`: nothing) is newer at the primary than what is claimed: a claim is as of the time at which it was
   * verified, and what was brought over since may be not yet recorded. Absent: never, which is so where nothing moves.
   */
  superseded?(claim: Claim, held: string | undefined): boolean;
}

export interface FaultWatch {
  /** What was claimed and was not so, a line each, and tags shown without their content; looked for all the time. */
  readonly lied: ReadonlySet<string>;
  /** The fault is gone: waits until both sides are equal and all of the primary's tags are claimed. @returns how long that took, in milliseconds */
  recovered(ms?: number): Promise<number>;
  /** Ends the watching. */
  stop(): Promise<void>;
  /**
   * Says, as the last line of a test, what happened under the fault: a row of docs/faults.md, which is made from these reports by
   * `npm run docs:faults`. Fails if something was lost or lied.
   * @param row one of scripts/faults/rows.json
   * @param happened made of what was observed: states, codes, attempts
   * @param among what ran, if the fault is injected into several: `Distribution 2.8`
   */
  report(row: string, happened: string, among?: string): Promise<void>;
}

const EVERY_MS = 200;

/** Watches a system while a fault is injected, and measures how it gets over it. */
export function watchFault(parts: WatchedParts): FaultWatch {
  const lied = new Set<string>();
  let [looks, closed] = [0, false];
  let [recoveredMs, lost]: [number | undefined, string[]] = [undefined, []];
  let suspects: ReadonlySet<string> = new Set();
  const look = async (): Promise<void> => {
    const seen = await liesNow(parts).catch(() => undefined);
    if (!seen) return; // away, as some faults have it: nothing was seen
    looks += 1;
    for (const lie of seen.claimed) lied.add(lie);
    // A tag may go while it is read: what is torn is so twice.
    for (const torn of seen.torn) if (suspects.has(torn)) lied.add(torn);
    suspects = new Set(seen.torn);
  };
  const running = (async () => {
    while (!closed) {
      await look();
      await sleep(parts.everyMs ?? EVERY_MS);
    }
  })();
  const stop = async (): Promise<void> => {
    closed = true;
    await running;
  };
  return {
    lied,
    stop,
    async recovered(ms = 60_000) {
      const began = performance.now();
      for (;;) {
        const found = await unequal(parts).catch((error: unknown) => ({ lost: [String(error)], lines: [String(error)] }));
        if (found.lines.length === 0) break;
        if (performance.now() - began > ms)
          throw new Error(`not equal ${ms / 1000} s after the fault:\n${found.lines.slice(0, 20).join('\n')}`);
        await sleep(100);
      }
      return (recoveredMs = performance.now() - began);
    },
    async report(row, happened, among) {
      await stop();
      await look();
      if (!rows.includes(row)) throw new Error(`no row ${row} in scripts/faults/rows.json`);
      if (recoveredMs === undefined) throw new Error(`${row}: nobody saw it recover`);
      if (looks < 2) throw new Error(`${row}: looked for lies ${looks} times only`);
      lost = (await unequal(parts)).lost;
      expect({ lost, lied: [...lied] }).toEqual({ lost: [], lied: [] });
      if (file === undefined) return;
      const test = relative(process.cwd(), expect.getState().testPath ?? '');
      const report = { row, happened, among, lost: lost.length, lied: lied.size, recoveredMs, test };
      appendFileSync(file, `${JSON.stringify(report)}\n`);
    },
  };
}

/** What is claimed before and after a reading, of the same verification, must have been so in between. */
async function liesNow(parts: WatchedParts): Promise<{ claimed: string[]; torn: string[] }> {
  const before = await parts.claims();
  const seen = await walk(parts.secondary, parts.options);
  const after = new Set((await parts.claims()).map(verification));
  return {
    claimed: before
      .filter((claim) => after.has(verification(claim)))
      .flatMap((claim) => (parts.superseded?.(claim, heldOf(claim, seen)) === true ? [] : lieOf(claim, seen))),
    torn: seen.problems,
  };
}

const name = ({ repository, tag, digest }: Claim): string => `${repository}:${tag}@${digest}`;

const verification = (claim: Claim): string => `${name(claim)} of ${claim.verifiedAt ?? ''}`;

const heldOf = ({ repository, tag }: Claim, { tags }: Holdings): string | undefined => tags[repository]?.[tag];

/** Why a claim is none that the secondary bears out; empty if it does. */
export function lieOf(claim: Claim, seen: Holdings): string[] {
  const held = heldOf(claim, seen);
  return held === claim.digest ? [] : [`${name(claim)} is called verified, and the secondary has ${held ?? 'no such tag'}`];
}

/** What the primary holds and the secondary does not. */
export function lostOf(primary: Holdings, secondary: Holdings): string[] {
  return difference(primary, secondary).filter((text) => !text.includes(': absent in the first') && !text.startsWith('first: '));
}

async function unequal(parts: WatchedParts): Promise<{ lost: string[]; lines: string[] }> {
  const [first, second] = await Promise.all([walk(parts.primary, parts.options), walk(parts.secondary, parts.options)]);
  const claimed = new Set((await parts.claims()).map(name));
  const silent = Object.entries(first.tags).flatMap(([repository, tags]) =>
    Object.entries(tags)
      .map(([tag, digest]) => name({ repository, tag, digest }))
      .filter((one) => !claimed.has(one))
      .map((one) => `${one} is not called verified`),
  );
  return { lost: lostOf(first, second), lines: [...difference(first, second), ...silent] };
}

/** What the API of a running system calls verified, of these repositories or all. */
export async function verifiedClaims(api: string, site: string, repositories?: readonly string[]): Promise<Claim[]> {
  const claims: Claim[] = [];
  for (const repository of repositories ?? [undefined]) {
    for (let cursor: string | null | undefined; cursor !== null;) {
      const query = new URLSearchParams({
        state: 'verified',
        limit: '500',
        ...(repository ? { repository } : {}),
        ...(cursor ? { cursor } : {}),
      });
      const response = await fetch(`${api}/api/v1/sites/${site}/images?${query}`);
      if (response.status !== 200) throw new Error(`the API answered ${response.status}: ${await response.text()}`);
      const page = (await response.json()) as { items: Claim[]; next: string | null };
      claims.push(...page.items);
      cursor = page.next;
    }
  }
  return claims;
}
