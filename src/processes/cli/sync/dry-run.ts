import type { SiteConfig } from '../../../config/index.ts';
import type { Digest } from '../../../model/digest.ts';
import { openSession } from '../../../registry/session.ts';
import { compareRepository } from '../../../replication/compare.ts';
import { listRepositories } from '../../../replication/list-repositories.ts';
import { createSite, routeOf } from '../../../replication/site.ts';

const PAGE = 200;
const TAGS = 1_000;

/** A tag that a sync would bring over. */
export interface WouldCopy {
  readonly site: string;
  readonly repository: string;
  readonly tag: string;
  readonly reference: string;
  readonly digest: Digest;
}

/** What a dry run found. */
export interface DryRun {
  readonly tags: number;
  readonly differ: number;
  /** Tags that could not be read. */
  readonly failed: number;
}

/**
 * Compares a site with its primary and changes nothing.
 * @param tell is called for each tag that differs, and for each that cannot be read
 * @throws {RegistryError} where a listing fails
 */
export async function dryRun(
  site: SiteConfig,
  tell: { differs(tag: WouldCopy): void; fails(reference: string, why: string): void },
  signal: AbortSignal,
): Promise<DryRun> {
  const registries = createSite(openSession(site.primary), openSession(site.endpoint));
  const sum = { tags: 0, differ: 0, failed: 0 };
  try {
    for await (const repository of repositoriesOf(site, registries, signal)) {
      const route = routeOf(registries, { policy: site.policy, repository }, signal);
      for (let after: string | undefined, more = true; more;) {
        const page = await compareRepository(route, site.policy, after, TAGS);
        for (const { tag, digest, same } of page.tags) {
          sum.tags += 1;
          if (same) continue;
          sum.differ += 1;
          tell.differs({ site: site.name, repository, tag, reference: `${repository}:${tag}`, digest });
        }
        for (const { tag, failure } of page.failures) {
          sum.failed += 1;
          tell.fails(tag === undefined ? repository : `${repository}:${tag}`, failure.message);
        }
        after = page.next;
        more = after !== undefined;
      }
    }
    return sum;
  } finally {
    await Promise.all([registries.primary.close(), registries.secondary.close()]);
  }
}

async function* repositoriesOf(site: SiteConfig, registries: ReturnType<typeof createSite>, signal: AbortSignal): AsyncIterable<string> {
  let after: string | undefined;
  do {
    const page = await listRepositories(registries, site.policy, after, PAGE, signal);
    yield* page.repositories;
    after = page.next;
  } while (after !== undefined);
}
