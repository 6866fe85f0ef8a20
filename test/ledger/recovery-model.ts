import { sql } from 'kysely';
import {
  markVerification,
  recordCatalogPage,
  recordCatalogScan,
  recordScan,
  unwaiveImages,
  waiveImages,
  type Ledger,
} from '../../src/ledger/index.ts';
import { RECOVERY_POINTS } from '../../src/ledger/recovery-point.ts';
import type { Digest } from '../../src/model/digest.ts';
import type { SitePolicy } from '../../src/model/policy.ts';
import type { ComparedTag, ImageOutcome } from '../../src/model/steps.ts';
import { all, digest, policyOf } from './support.ts';

/** A step that has begun and is to be gone on with, at any time. */
type Going = () => Promise<Going | undefined>;

const REPOSITORIES = ['team/a', 'team/b', 'team/c'];
const TAGS = ['v1', 'v2', 'v3'];
const SECOND = 1_000;

/**
 * A world that knows the truth: a primary whose every change is remembered with its time, a secondary, looks and scans that overlap in any way, events that
 * are lost or carry a wrong clock. What the ledger says is held against it.
 */
export class World {
  readonly site: string;
  readonly policy: SitePolicy;
  private readonly ledger: Ledger;
  private readonly random: () => number;
  private readonly primary = new Map<string, Digest>();
  private readonly secondary = new Map<string, Digest>();
  /** Contents that were read back at the secondary at least once. */
  private readonly readBack = new Set<string>();
  /** What was last recorded as verified: a scan that finds it again has nothing to carry over. */
  private readonly verified = new Map<string, Digest>();
  /** Changes of a tag at the primary of which no look has been recorded yet, by tag: their times. */
  private readonly unsettled = new Map<string, number[]>();
  /** What is waived now, by tag; null: whatever nobody could read. */
  private readonly waived = new Map<string, Digest | null>();
  private readonly onceWaived = new Set<string>();
  /** Tags of which the ledger does not know what they hold. */
  private unread: ReadonlySet<string> = new Set();
  /** Since when what lies at the secondary is in doubt, by tag: a look failed, or two overlapped. No change, but not verified either. */
  private readonly doubts = new Map<string, number>();
  /** When the tag got what it holds now. */
  private readonly since = new Map<string, number>();
  private readonly going: Going[] = [];
  private readonly start = Date.now() - 40 * 86_400_000;
  private now = this.start;
  private serial = 1;
  readonly log: string[] = [];

  constructor(ledger: Ledger, site: string, random: () => number) {
    this.ledger = ledger;
    this.site = site;
    this.random = random;
    this.policy = policyOf(site);
  }

  /** One thing happens: something new begins, or something that has begun goes on. */
  async step(): Promise<void> {
    this.tick();
    const at = this.going.length > 0 && this.random() < 0.55 ? Math.floor(this.random() * this.going.length) : -1;
    if (at >= 0) {
      const next = await this.going.splice(at, 1)[0]?.();
      if (next) this.going.push(next);
      return;
    }
    const dice = this.random();
    if (dice < 0.3) this.push();
    else if (dice < 0.4) this.remove();
    else if (dice < 0.6) this.beginLook(this.anyRepository(), this.anyTag());
    else if (dice < 0.87) this.beginScan(this.anyRepository());
    else if (dice < 0.9) await this.waive();
    else if (dice < 0.915) await this.unwaive();
    else this.beginCatalog();
  }

  /** What the ledger says, against the truth. */
  async check(): Promise<{ broken: string | undefined; proved: boolean }> {
    this.tick();
    this.unread = await this.unreadTags();
    const { rows } = await sql<{ point: number }>`select point from ${RECOVERY_POINTS} p where p.site = ${this.site}`.execute(
      this.ledger.db,
    );
    const point = rows[0]?.point ?? undefined;
    const lag = await this.observedSince();
    const oldest = this.oldestChange(() => true);
    // Of a tag that was waived once, the promise alone is held against the truth: what it held and lost meanwhile nobody needed to read.
    const counted = this.oldestChange((key) => !this.onceWaived.has(key));
    if (point !== undefined) {
      if (point > counted)
        return { broken: `proved ${point - this.start}, though the change at ${counted - this.start} is not carried over`, proved: true };
      for (const [key, held] of this.primary) {
        const since = this.since.get(key) ?? 0;
        if (since <= point && !this.readBack.has(`${key}@${held}`) && !this.isWaived(key, held)) {
          return { broken: `proved ${point - this.start}, though ${key} of ${since - this.start} was never read back`, proved: true };
        }
      }
    }
    if (lag !== undefined && lag < Math.min(oldest, ...this.doubts.values())) {
      return {
        broken: `observed a change at ${lag - this.start}, before the oldest at ${oldest - this.start}`,
        proved: point !== undefined,
      };
    }
    return { broken: undefined, proved: point !== undefined };
  }

  private async unreadTags(): Promise<Set<string>> {
    const rows = await this.ledger.db
      .selectFrom('images')
      .select(['repository', 'tag'])
      .where('site', '=', this.site)
      .where('digest', 'is', null)
      .execute();
    return new Set(rows.map(({ repository, tag }) => `${repository}:${tag}`));
  }

  private oldestChange(counts: (key: string) => boolean): number {
    const times = [...this.unsettled].flatMap(([key, changes]) => (counts(key) ? changes : []));
    return Math.min(Number.POSITIVE_INFINITY, ...times);
  }

  private isWaived(key: string, digest: Digest): boolean {
    const waived = this.waived.get(key);
    return waived === digest || (waived === null && this.unread.has(key));
  }

  /** An operator gives up one of the images that are not verified. */
  private async waive(): Promise<void> {
    const rows = await this.ledger.db
      .selectFrom('images')
      .select(['repository', 'tag', 'digest'])
      .where('site', '=', this.site)
      .where('missing_since', 'is', null)
      .where('changed_at', 'is not', null)
      .orderBy('repository')
      .orderBy('tag')
      .execute();
    const row = rows[Math.floor(this.random() * rows.length)];
    if (!row) return;
    await waiveImages(this.ledger, this.site, [row], { reason: 'cannot be mended', actor: 'test' });
    const key = `${row.repository}:${row.tag}`;
    this.waived.set(key, row.digest as Digest | null);
    this.onceWaived.add(key);
    this.log.push(`${this.now - this.start} waive ${key} ${row.digest ?? 'unread'}`);
  }

  private async unwaive(): Promise<void> {
    const keys = [...this.waived.keys()];
    const key = keys[Math.floor(this.random() * keys.length)];
    if (key === undefined) return;
    const [repository = '', tag = ''] = key.split(':');
    await unwaiveImages(this.ledger, this.site, [{ repository, tag }], 'test');
    this.waived.delete(key);
    this.log.push(`${this.now - this.start} unwaive ${key}`);
  }

  private async observedSince(): Promise<number | undefined> {
    const row = await this.ledger.db
      .selectFrom('images')
      .select((select) => select.fn.min('changed_at').as('at'))
      .where('site', '=', this.site)
      .where('missing_since', 'is', null)
      .executeTakeFirst();
    return row?.at ?? undefined;
  }

  private tick(): void {
    this.now += Math.ceil(this.random() * 30 * SECOND);
  }

  private anyRepository(): string {
    return REPOSITORIES[Math.floor(this.random() * REPOSITORIES.length)] ?? '';
  }

  private anyTag(): string {
    return TAGS[Math.floor(this.random() * TAGS.length)] ?? '';
  }

  private change(key: string): void {
    this.unsettled.set(key, [...(this.unsettled.get(key) ?? []), this.now]);
    this.since.set(key, this.now);
  }

  private doubt(key: string, since: number): void {
    this.doubts.set(key, Math.min(this.doubts.get(key) ?? since, since));
  }

  private settle(key: string, readAt: number): void {
    this.unsettled.set(
      key,
      (this.unsettled.get(key) ?? []).filter((at) => at > readAt),
    );
  }

  private push(): void {
    const repository = this.anyRepository();
    const tag = this.anyTag();
    const key = `${repository}:${tag}`;
    // Now and then back to what it was before.
    const content = this.random() < 0.15 ? digest(1 + Math.floor(this.random() * this.serial)) : digest(++this.serial);
    if (this.primary.get(key) === content) return;
    this.change(key);
    this.primary.set(key, content);
    this.log.push(`${this.now - this.start} push ${key}`);
    if (this.random() < 0.4) return;
    // The receiver's clock may be wrong by an hour; one that is behind would make the lag look longer, so it is at most right.
    const receivedAt = this.now + (this.random() < 0.2 ? 3_600_000 : 0);
    this.going.push(async () => {
      this.beginLook(repository, tag, receivedAt);
      return undefined;
    });
  }

  private remove(): void {
    const key = `${this.anyRepository()}:${this.anyTag()}`;
    if (!this.primary.has(key)) return;
    this.change(key);
    this.primary.delete(key);
    this.log.push(`${this.now - this.start} delete ${key}`);
  }

  /** A round of the five activities: the primary is read, content goes over or not, the primary is read again, the ledger is told. */
  private beginLook(repository: string, tag: string, receivedAt?: number): void {
    const key = `${repository}:${tag}`;
    const look = this.now;
    this.tick();
    const read = this.primary.get(key);
    const readAt = this.now;
    this.going.push(async () => {
      const fails = this.random() < 0.25;
      const published = read !== undefined && !fails && this.primary.get(key) === read;
      if (published) {
        this.secondary.set(key, read);
        this.readBack.add(`${key}@${read}`);
      }
      // The record's own hour: another look may begin and end before it.
      return () => this.endLook(repository, tag, { look, read, readAt, fails, published, receivedAt });
    });
  }

  private async endLook(
    repository: string,
    tag: string,
    seen: { look: number; read: Digest | undefined; readAt: number; fails: boolean; published: boolean; receivedAt: number | undefined },
  ): Promise<undefined> {
    const key = `${repository}:${tag}`;
    const { look, read, readAt, fails, published } = seen;
    const received = seen.receivedAt === undefined ? {} : { receivedAt: seen.receivedAt };
    const state: Partial<ImageOutcome> =
      read === undefined
        ? { gone: true }
        : published
          ? { digest: read, sync: 'synced', verification: 'succeeded' }
          : fails
            ? { digest: read, sync: 'failed' }
            : {};
    const outcome: ImageOutcome = { tag, sync: 'pending', verification: 'pending', look, ...received, ...state };
    const result = await markVerification(this.ledger, { policy: this.policy, repository, outcomes: [outcome] }, this.now);
    if (result.overlapping.includes(tag) || (result.recorded > 0 && !published && read !== undefined))
      // A look whose record comes after a scan that no longer saw the tag is in doubt since its event.
      this.doubt(key, Math.min(look, seen.receivedAt ?? look));
    else if (result.recorded > 0) {
      if (read !== undefined) this.verified.set(key, read);
      this.doubts.delete(key);
      this.settle(key, readAt);
    }
    this.log.push(`${this.now - this.start} look of ${look - this.start} at ${key}: ${JSON.stringify(state)} ${result.summary}`);
    return undefined;
  }

  /** Two pages, between which anything may happen; a page may fail, and then the scan is never whole. */
  private beginScan(repository: string): void {
    const scan = `${this.site}/${repository}/${this.now}`;
    const after = TAGS[Math.floor(this.random() * (TAGS.length - 1))] ?? '';
    const first = TAGS.filter((tag) => tag <= after);
    const second = TAGS.filter((tag) => tag > after);
    this.going.push(async () => {
      await this.scanPage(repository, scan, first, { next: after });
      return async () => {
        await this.scanPage(repository, scan, second, { after });
        return undefined;
      };
    });
  }

  private async scanPage(
    repository: string,
    scan: string,
    tags: readonly string[],
    where: { after?: string; next?: string },
  ): Promise<void> {
    const look = this.now;
    this.tick();
    if (this.random() < 0.1) return;
    const readAt = this.now;
    const listed = tags.flatMap((tag): ComparedTag[] => {
      const held = this.primary.get(`${repository}:${tag}`);
      return held === undefined ? [] : [{ tag, digest: held, same: this.secondary.get(`${repository}:${tag}`) === held }];
    });
    this.tick();
    const failing = listed.filter(() => this.random() < 0.05);
    const page = {
      summary: '',
      look,
      tags: listed.filter((tag) => !failing.includes(tag)),
      extra: [],
      excluded: 0,
      failures: failing.map(({ tag }) => ({ tag, failure: { code: 'UNAVAILABLE' as const, message: 'x', retry: 'now' as const } })),
      ...(where.next === undefined ? {} : { next: where.next }),
    };
    const { after } = where;
    await recordScan(
      this.ledger,
      { policy: this.policy, repository, scan, page, verify: 'auto', ...(after === undefined ? {} : { after }) },
      this.now,
      all,
    );
    for (const tag of tags) {
      const key = `${repository}:${tag}`;
      const seen = page.tags.find((one) => one.tag === tag);
      if (failing.some((one) => one.tag === tag)) this.doubt(key, look);
      if (seen ? this.verified.get(key) === seen.digest : !failing.some((one) => one.tag === tag)) this.settle(key, readAt);
      if (seen && this.random() < 0.7) this.beginLook(repository, tag);
    }
    this.log.push(
      `${this.now - this.start} scan of ${look - this.start} of ${repository} ${JSON.stringify(page.tags.map((one) => [one.tag, one.same]))}`,
    );
  }

  /** A repository that is not listed holds nothing, and what came and went there without the ledger's knowing is nobody's loss. */
  private async settleUnlisted(listed: readonly string[], startedAt: number, readAt: number): Promise<void> {
    const rows = await this.ledger.db
      .selectFrom('listed_repositories')
      .select('repository')
      .where('site', '=', this.site)
      .where('first_listed_at', '<=', startedAt)
      .where(({ exists, selectFrom, ref }) =>
        exists(
          selectFrom('images')
            .select('tag')
            .where('images.site', '=', this.site)
            .where('images.repository', '=', ref('listed_repositories.repository'))
            .where('missing_since', 'is', null),
        ),
      )
      .execute();
    const known = new Set(rows.map(({ repository }) => repository));
    for (const key of this.unsettled.keys()) {
      const [repository = ''] = key.split(':');
      if (!listed.includes(repository) && !known.has(repository)) this.settle(key, readAt);
    }
  }

  private beginCatalog(): void {
    const startedAt = this.now;
    this.tick();
    const readAt = this.now;
    const repositories = REPOSITORIES.filter((name) => [...this.primary.keys()].some((key) => key.startsWith(`${name}:`)));
    this.going.push(async () => {
      await recordCatalogPage(this.ledger, this.site, { startedAt, repositories });
      for (const repository of repositories) if (this.random() < 0.8) this.beginScan(repository);
      return async () => {
        const catalog = {
          scan: `${this.site}/${startedAt}`,
          startedAt,
          pages: 1,
          complete: true,
          listed: repositories.length,
          excluded: 0,
        };
        await recordCatalogScan(this.ledger, this.site, catalog);
        await this.settleUnlisted(repositories, startedAt, readAt);
        this.log.push(`${this.now - this.start} catalog of ${startedAt - this.start}: ${repositories.join(' ')}`);
        return undefined;
      };
    });
  }
}
