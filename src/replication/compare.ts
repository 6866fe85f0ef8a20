import { BATCH_IMAGES } from '../model/batches.ts';
import type { Descriptor } from '../model/descriptor.ts';
import { isDigest, type Digest } from '../model/digest.ts';
import { failureOf, TwinportError } from '../model/failure.ts';
import { linksOf } from '../model/manifest.ts';
import type { SitePolicy } from '../model/policy.ts';
import { fallbackTag, isKeepTag, isReservedTag } from '../model/reference.ts';
import type { ComparedTag, CompareRepositoryResult, TagFailure } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { getManifest, headManifest } from '../registry/manifests.ts';
import { listReferrers } from '../registry/referrers.ts';
import type { Session } from '../registry/session.ts';
import { listTagDigests, listTags } from '../registry/tags.ts';
import { pause } from '../registry/transport/pause.ts';
import { referrersOf } from './closure.ts';
import { lackingUntagged } from './compare-untagged.ts';
import { concurrently } from './concurrently.ts';
import { placeholdersAmong } from './placeholders.ts';
import { tagInScope } from './scope.ts';
import { secondaryTags, type SecondaryTags } from './secondary-tags.ts';
import type { Route } from './site.ts';

const HEADS_AT_ONCE = 32;
const ASKED_AGAIN_MS = 300;
const FALLBACK = /^sha(?:256|512)-[a-f0-9]+$/;

/**
 * Compares a window of a repository's tags on both sides: digests, and the referrers' lists where the primary has their API.
 * @param after the last tag of the window before
 * @param options `ahead`: what differs is copied next, so that of a few tags that the secondary lacks the manifests are read at once
 * @throws {RegistryError} if the primary cannot be listed; a failed listing is never an empty one. The secondary can do without: see `secondaryTags`
 */
export async function compareRepository(
  route: Route,
  policy: SitePolicy,
  after: string | undefined,
  limit: number,
  { ahead = false }: { readonly ahead?: boolean } = {},
): Promise<Comparison> {
  const window = await openWindow(route, policy, after, limit);
  // More would be forgotten before their turn comes, and read twice: hosts count what is read.
  const read = ahead && window.lacking <= BATCH_IMAGES;
  return comparisonOf(route, policy, window, await compareTags(route, window, { read, differences: true }));
}

/**
 * Compares a repository of at most `limit` tags that one listing tells whole.
 * @param options `whole`: what differs is wanted too, and brought over next; else the comparison ends at the first difference
 * @returns the comparison; `undefined` where something else than copying may be to be done, or one listing cannot tell
 * @throws {RegistryError} see `compareRepository`
 */
export async function compareInOnePage(
  route: Route,
  policy: SitePolicy,
  limit: number,
  { whole }: { readonly whole: boolean },
): Promise<(Comparison & { readonly equal: boolean }) | undefined> {
  const window = await openWindow(route, policy, undefined, limit);
  const told = window.atPrimary !== undefined && window.atSecondary !== undefined && window.next === undefined;
  if (!told || (!whole && window.lacking > 0)) return undefined;
  // What the secondary alone has is listed anew by whoever may delete it.
  if (whole && window.extra.length + window.kept.length > 0) return undefined;
  const compared = await compareTags(route, window, { read: whole, differences: whole });
  const { equal } = compared;
  if (!equal && !whole) return undefined;
  const comparison = await comparisonOf(route, policy, window, compared);
  const { placeholders, untagged, failures } = comparison;
  return placeholders.length > 0 || untagged || failures.length > 0 ? undefined : { ...comparison, equal };
}

/** A window of a repository's tags, and the lists that it was cut from. */
interface Window extends Cut {
  readonly atPrimary: Awaited<ReturnType<typeof listTagDigests>>;
  readonly atSecondary: SecondaryTags;
  /** In scope, of this window, and not listed by the secondary. */
  readonly lacking: number;
  /** Out of scope in the whole repository, told with its first window. */
  readonly excluded: number;
}

async function openWindow(route: Route, policy: SitePolicy, after: string | undefined, limit: number): Promise<Window> {
  const [atPrimary, atSecondary] = await Promise.all([primaryTags(route), secondaryTags(route)]);
  const all = [...(atPrimary?.keys() ?? [])].filter((tag) => !isReservedTag(tag));
  const inScope = all.filter((tag) => tagInScope(policy, tag));
  const held = [...(atSecondary?.keys() ?? [])];
  const cut = windowOf([inScope, await extraTags(route, new Set(all), held), held.filter(isKeepTag)], after, limit);
  const lacking = atSecondary ? cut.tags.filter((tag) => !atSecondary.has(tag)).length : 0;
  return { ...cut, atPrimary, atSecondary, lacking, excluded: after === undefined ? all.length - inScope.length : 0 };
}

/** What was asked of the tags of a window. */
interface ComparedTags {
  readonly tags: readonly ComparedTag[];
  readonly failures: readonly TagFailure[];
  /** Listed, and not there. */
  readonly vanished: readonly string[];
  /** Nothing else than equal tags was found. */
  readonly equal: boolean;
}

/** @param options `read`: see `compareTag`; `differences`: all of them are wanted, and not only whether there is one */
async function compareTags(
  route: Route,
  { tags, atPrimary, atSecondary }: Window,
  { read, differences }: { readonly read: boolean; readonly differences: boolean },
): Promise<ComparedTags> {
  const failures: TagFailure[] = [];
  const vanished: string[] = [];
  let equal = true;
  const compared = await concurrently(tags, HEADS_AT_ONCE, async (tag) => {
    if (!equal && !differences) return undefined;
    try {
      const result = await compareTag(route, tag, {
        primary: atPrimary?.get(tag),
        secondary: atSecondary?.get(tag),
        held: atSecondary?.has(tag) ?? true,
        read,
      });
      if (!result) vanished.push(tag);
      equal &&= result?.same === true;
      return result;
    } catch (thrown) {
      route.signal?.throwIfAborted();
      equal = false;
      failures.push({ tag, failure: failureOf(thrown) });
      return undefined;
    }
  });
  return { tags: compared.filter((tag) => tag !== undefined), failures, vanished, equal };
}

async function comparisonOf(route: Route, policy: SitePolicy, window: Window, compared: ComparedTags): Promise<Comparison> {
  const { atPrimary, atSecondary, next } = window;
  const { tags } = compared;
  const placeholders = await placeholdersAmong(route, window.extra);
  const extra = window.extra.filter((tag) => !placeholders.includes(tag));
  const failures = [...compared.failures, ...(await listedStill(route, compared.vanished))];
  const untagged = policy.untagged === 'all' && next === undefined ? await lackingUntagged(route, window.limit) : [];
  const unlisted = atSecondary === undefined ? ', the secondary gives no list of its own' : '';
  return {
    summary: summarize(tags, extra, failures, atPrimary === undefined) + unlisted,
    ...(untagged.length > 0 ? { untagged } : {}),
    tags,
    extra,
    kept: window.kept,
    excluded: window.excluded,
    failures,
    ...(next === undefined ? {} : { next }),
    ...(atPrimary === undefined ? { absent: true } : {}),
    placeholders,
  };
}

/** One that does not know the repository must say so twice: nothing of it is counted then, and the recovery point goes on. */
async function primaryTags({ site, repository, signal }: Route): ReturnType<typeof listTagDigests> {
  const listed = await listTagDigests(site.primary, repository, signal);
  if (listed) return listed;
  await pause(ASKED_AGAIN_MS, signal);
  return listTagDigests(site.primary, repository, signal);
}

/** What the two sides hold. */
export interface Comparison extends Omit<CompareRepositoryResult, 'look'> {
  /** Tags of the secondary whose deletion was begun and not ended; they are nobody's. */
  readonly placeholders: readonly string[];
}

interface Cut {
  readonly tags: readonly string[];
  readonly extra: readonly string[];
  readonly kept: readonly string[];
  readonly next?: string;
  readonly limit: number;
}

/** At most `limit` tags of each list, so that none outgrows a payload. */
function windowOf(all: readonly (readonly string[])[], after: string | undefined, limit: number): Cut {
  const lists = all.map((tags) => tags.filter((tag) => after === undefined || tag > after));
  const next = lists
    .flatMap((tags) => (tags.length > limit ? (tags[limit - 1] ?? []) : []))
    .sort()
    .at(0);
  const [tags = [], extra = [], kept = []] = lists.map((list) => list.filter((tag) => next === undefined || tag <= next));
  return { tags, extra, kept, limit, ...(next === undefined ? {} : { next }) };
}

/**
 * Tags that were listed and not there when asked for were deleted in between, unless the primary lists them still: then it has lost what they
 * stand for, which is no deletion. The secondary may hold the last copy.
 */
async function listedStill(route: Route, vanished: readonly string[]): Promise<TagFailure[]> {
  if (vanished.length === 0) return [];
  const listed = new Set(await listTags(route.site.primary, route.repository, route.signal));
  return vanished
    .filter((tag) => listed.has(tag))
    .map((tag) => ({
      tag,
      failure: failureOf(
        new TwinportError(
          'NOT_FOUND',
          `the primary lists ${route.repository}:${tag}, but has no manifest for it: its storage lost content; what the secondary holds is kept`,
        ),
      ),
    }));
}

/** What the lists said of a tag: its digests, where they told them. */
interface Listed {
  readonly primary: Digest | undefined;
  readonly secondary: Digest | undefined;
  readonly held: boolean;
  /** What is not held is read. */
  readonly read: boolean;
}

async function compareTag(route: Route, tag: string, listed: Listed): Promise<ComparedTag | undefined> {
  const { site, repository, target, signal } = route;
  const [primary, secondary] = await Promise.all([
    listed.primary ?? (listed.held || !listed.read ? digestOf(site.primary, repository, tag, signal) : readTag(route, tag)),
    listed.held ? (listed.secondary ?? digestOf(site.secondary, target, tag, signal)) : undefined,
  ]);
  if (primary === undefined) return undefined;
  return { tag, digest: primary, same: primary === secondary && (await sameReferrers(route, primary)) };
}

/** What the secondary does not list will be copied: its manifest is read at once. */
async function readTag({ site, repository, signal }: Route, tag: string): Promise<Digest | undefined> {
  try {
    const manifest = await getManifest(site.primary, repository, tag, signal);
    if (manifest) site.manifests.put(repository, manifest);
    return manifest?.digest;
  } catch (thrown) {
    if (failureOf(thrown).retry === 'now') throw thrown;
    // One that cannot be read has a digest all the same; the copy will say what is wrong with it.
    return digestOf(site.primary, repository, tag, signal);
  }
}

async function digestOf(session: Session, repository: string, tag: string, signal?: AbortSignal): Promise<Digest | undefined> {
  return (await headManifest(session, repository, tag, signal))?.digest;
}

async function sameReferrers(route: Route, digest: Digest): Promise<boolean> {
  const wanted = await referrersOf(route, digest);
  if (!wanted || wanted.length === 0) return true;
  const held = new Set((await heldReferrers(route, digest, wanted)).map((referrer) => referrer.digest));
  return wanted.every((referrer) => held.has(referrer.digest));
}

async function heldReferrers(route: Route, digest: Digest, wanted: readonly Descriptor[]): Promise<readonly Descriptor[]> {
  const { site, repository, target, signal } = route;
  const listed = await listReferrers(site.secondary, target, digest, signal);
  if (listed) return listed;
  // The primary's own fallback tag is replicated as it is, whatever its API says beside it.
  if (await headManifest(site.primary, repository, fallbackTag(digest), signal)) return wanted;
  const index = await getManifest(site.secondary, target, fallbackTag(digest), signal);
  if (!index) return [];
  const { children, entries } = linksOf(index);
  return [...children, ...entries];
}

/** Tags that only the secondary lists; fallback indexes that Twinport built for a primary with the API are its own. */
async function extraTags(route: Route, primary: ReadonlySet<string>, secondary: readonly string[]): Promise<string[]> {
  const extra = secondary.filter((tag) => !primary.has(tag) && !isReservedTag(tag));
  const { capabilities } = route.site.primary;
  const subject = extra
    .filter((tag) => FALLBACK.test(tag))
    .map((tag) => tag.replace('-', ':'))
    .find(isDigest);
  // A session that has just begun does not know yet whether the primary has it.
  if (subject !== undefined && capabilities.referrers === undefined) await referrersOf(route, subject);
  return capabilities.referrers === true ? extra.filter((tag) => !FALLBACK.test(tag)) : extra;
}

function summarize(tags: readonly ComparedTag[], extra: readonly string[], failures: readonly TagFailure[], absent: boolean): string {
  if (absent) return 'the primary has no such repository';
  const differ = tags.filter((tag) => !tag.same).length;
  const parts = [`${count(tags.length, 'tag')}, ${differ} differ`];
  if (extra.length > 0) parts.push(`${extra.length} only at the secondary`);
  if (failures.length > 0) parts.push(`${failures.length} could not be read`);
  return parts.join(', ');
}
