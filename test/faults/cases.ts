import { expect } from '@jest/globals';
import { concurrently } from '../../src/replication/concurrently.ts';
import { pushImage, randomBytes, type ImageOptions, type Pushed } from '../support/images.ts';
import { isRange, type QuirkRule } from '../support/quirk-proxy.ts';
import type { WireSystem } from './system.ts';

/** A fault of one repository, injected by a proxy. */
export interface WireCase {
  readonly row: string;
  readonly image?: ImageOptions;
  /** In place of an image of these options. */
  readonly push?: (url: string, repository: string) => Promise<Pushed>;
  readonly primary?: Rules;
  readonly secondary?: Rules;
  /** What the primary is like for all other requests, with and without the fault. */
  readonly circumstances?: readonly QuirkRule[];
  /** `survived`: verified while the fault lasts. Else what the failure says, which ends with the fault. */
  readonly ends: 'survived' | RegExp;
  /** No retry can mend it: the next scan looks again when the fault is gone. */
  readonly scan?: true;
  /** What is wrong lies at the primary itself: the fault ends with another push. */
  readonly replaced?: true;
  /** Of the primary's blobs, however often they are tried. */
  readonly readsAtMost?: number;
  /** How long it may take until it ends so; 90,000 if absent. */
  readonly withinMs?: number;
}

type Rules = readonly QuirkRule[] | ((image: Pushed) => readonly QuirkRule[]);

const BLOBS = /\/blobs\/sha256:/;
const UPLOADS = /\/blobs\/uploads\//;
const MANIFESTS = /\/manifests\//;
const MIB = 1024 * 1024;
/** Silence is found out after a minute. */
const STALL_MS = 150_000;
const LARGE: ImageOptions = { layers: [8 * MIB, 2_000] };
/** Read in ranges, by who waits for more than half of the time. */
const IN_RANGES: Pick<WireCase, 'image' | 'circumstances'> = {
  image: { layers: [64 * MIB] },
  circumstances: [{ method: 'GET', path: BLOBS, bytesPerSecond: 4 * MIB }],
};
export const refused = (status: number, code: string, message: string): NonNullable<QuirkRule['answer']> => ({
  status,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ errors: [{ code, message }] }),
});
export const WIRE_CASES: readonly WireCase[] = [
  { row: 'reset', image: LARGE, primary: [{ method: 'GET', path: BLOBS, cutResponseAfter: MIB, times: 5 }], ends: 'survived' },
  { row: 'reset-manifest', primary: [{ method: 'GET', path: MANIFESTS, cutResponseAfter: 20, times: 4 }], ends: 'survived' },
  { row: 'slow', image: { layers: [12_000] }, primary: [{ path: BLOBS, bytesPerSecond: 1_024 }], ends: 'survived' },
  {
    row: 'truncated',
    primary: [{ method: 'GET', path: BLOBS, body: (bytes) => bytes.subarray(0, bytes.length - 7) }],
    ends: /MISMATCH|bytes/u,
  },
  {
    row: 'content-length',
    primary: [{ method: 'GET', path: BLOBS, dropHeaders: ['transfer-encoding'], setHeaders: { 'content-length': '5000' } }],
    ends: /./u,
  },
  {
    row: 'wrong-blob',
    primary: [{ method: 'GET', path: BLOBS, body: (bytes) => randomBytes('other', bytes.length) }],
    ends: /digest|hash/u,
  },
  {
    row: 'wrong-manifest',
    primary: [{ method: 'GET', path: MANIFESTS, body: (bytes) => Buffer.concat([bytes, Buffer.from(' ')]) }],
    ends: /digest|hash/u,
  },
  {
    row: 'upload-purged',
    image: LARGE,
    secondary: [
      { method: 'PUT', path: UPLOADS, answer: refused(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry'), times: 3 },
      { method: 'PATCH', path: UPLOADS, answer: refused(404, 'BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry'), times: 3 },
    ],
    ends: 'survived',
  },
  { row: 'dead-redirect', primary: [{ method: 'GET', path: BLOBS, redirectTo: 'http://127.0.0.1:1' }], ends: /./u },
  {
    row: 'token-expired',
    primary: [{ method: 'GET', path: BLOBS, answer: refused(401, 'UNAUTHORIZED', 'token has expired') }],
    ends: /401/u,
  },
  {
    row: 'quota-403',
    secondary: [{ method: 'POST', path: UPLOADS, answer: refused(403, 'DENIED', 'quota exceeded') }],
    ends: /quota exceeded/u,
    scan: true,
  },
  {
    row: 'quota-413',
    secondary: [{ method: 'PUT', path: MANIFESTS, answer: refused(413, 'SIZE_INVALID', 'too large') }],
    ends: /413/u,
    scan: true,
  },
  {
    row: 'tag-immutable',
    secondary: [{ method: 'PUT', path: MANIFESTS, answer: refused(403, 'DENIED', 'tag is immutable') }],
    ends: /immutable/u,
    scan: true,
  },
  {
    row: 'manifest-above-limit',
    secondary: [{ method: 'PUT', path: MANIFESTS, answer: refused(400, 'MANIFEST_INVALID', 'manifest exceeds 4 MiB') }],
    ends: /4 MiB/u,
    scan: true,
  },
  {
    row: 'retry-after-date',
    primary: [
      {
        path: BLOBS,
        answer: {
          status: 429,
          headers: { date: new Date(Date.now() + 3_600_000).toUTCString(), 'retry-after': new Date(Date.now() + 3_602_000).toUTCString() },
        },
        times: 2,
      },
    ],
    ends: 'survived',
  },
  { row: 'stalled', primary: [{ method: 'GET', path: BLOBS, stallResponseAfter: 0, times: 1 }], ends: 'survived', withinMs: STALL_MS },
  {
    row: 'stalled-midway',
    image: LARGE,
    primary: [{ method: 'GET', path: BLOBS, stallResponseAfter: MIB, times: 1 }],
    ends: 'survived',
    withinMs: STALL_MS,
  },
  {
    row: 'stalled-upload',
    image: LARGE,
    secondary: [{ method: 'PATCH', path: UPLOADS, stallRequestAfter: MIB, times: 1 }],
    ends: 'survived',
    withinMs: STALL_MS,
  },
  { row: 'location', image: LARGE, secondary: movingLocations(), ends: 'survived' },
];

/** Each in a system of its own. */
export const RANGES: readonly WireCase[] = [
  {
    ...{ row: 'ranges-reset', ...IN_RANGES, ends: 'survived' },
    primary: [{ method: 'GET', path: BLOBS, when: isRange, bytesPerSecond: 4 * MIB, cutResponseAfter: MIB, times: 5 }],
  },
  {
    ...{ row: 'ranges-wrong', ...IN_RANGES, ends: /digest|hash/u },
    primary: [{ method: 'GET', path: BLOBS, when: isRange, body: (bytes) => randomBytes('other', bytes.length) }],
  },
  {
    ...{ row: 'ranges-refused', ...IN_RANGES, ends: 'survived' },
    primary: () => [{ method: 'GET', path: BLOBS, when: after(6, isRange), answer: refused(403, 'DENIED', 'parts are not served') }],
  },
];

/** One after the other: they are of the whole host. */
export const STORMS: readonly WireCase[] = [
  {
    row: 'rate-storm',
    image: { layers: Array.from({ length: 12 }, () => 2_000) },
    primary: [{ answer: { ...refused(429, 'TOOMANYREQUESTS', 'rate limit'), headers: { 'retry-after': '1' } }, times: 12 }],
    secondary: [{ answer: refused(429, 'TOOMANYREQUESTS', 'rate limit'), times: 12 }],
    ends: 'survived',
  },
  {
    row: 'error-burst',
    image: { layers: Array.from({ length: 12 }, () => 2_000) },
    primary: [{ answer: refused(500, 'UNKNOWN', 'unknown error'), times: 20 }],
    secondary: [{ answer: refused(503, 'UNAVAILABLE', 'service unavailable'), times: 20 }],
    ends: 'survived',
  },
];

/** From the one after so many of such requests. */
function after(served: number, such: NonNullable<QuirkRule['when']>): NonNullable<QuirkRule['when']> {
  let seen = 0;
  return (request) => such(request) && (seen += 1) > served;
}

/** Each answer names another place for the upload, and without a host; who goes to an old one has lost it. */
function movingLocations(): QuirkRule[] {
  const newest = new Map<string, string>();
  let moves = 0;
  const [id, moved] = [/uploads\/([^?/]+)/, /[?&]moved=(\d+)/];
  const upload = (url = ''): string => id.exec(url)?.[1] ?? '';
  return [
    {
      path: UPLOADS,
      when: ({ url }) => newest.has(upload(url)) && moved.exec(url ?? '')?.[1] !== newest.get(upload(url)),
      answer: refused(404, 'BLOB_UPLOAD_UNKNOWN', 'the upload is elsewhere'),
    },
    {
      path: UPLOADS,
      dropQuery: ['moved'],
      setHeaders: ({ location }): Record<string, string> => {
        if (!location?.includes('/uploads/')) return {};
        const url = new URL(location, 'http://registry');
        newest.set(upload(url.pathname), String((moves += 1)));
        url.searchParams.set('moved', String(moves));
        return { location: url.pathname + url.search };
      },
    },
  ];
}

/** The reason without what differs from run to run. */
export function shown(reason: string): string {
  return reason.replace(/ \(127\.0\.0\.1:\d+\)/gu, '').replace(/(sha256:[a-f0-9]{8})[a-f0-9]{56}|([a-f0-9]{8})[a-f0-9]{56}/gu, '$1$2…');
}

const of = (repository: string, what: string): RegExp => new RegExp(`^/v2/${repository}/${what}/`);

/** Runs one case from the push to the report. */
export async function runCase(system: WireSystem, fault: WireCase, among: string): Promise<void> {
  const repository = fault.row;
  const beside = `${fault.row}-beside`;
  let injected = 0;
  const image = fault.push
    ? await fault.push(system.primary.url, repository)
    : await pushImage(system.primary.url, repository, 'v1', fault.image);
  const other = await pushImage(system.primary.url, beside, 'v1');
  const bound = (rule: QuirkRule): QuirkRule => ({
    ...rule,
    when: (request) => request.url?.startsWith(`/v2/${repository}/`) === true && rule.when?.(request) !== false,
  });
  const counted = (rule: QuirkRule): QuirkRule => ({ ...bound(rule), onRequest: () => (injected += 1) });
  const circumstances = (fault.circumstances ?? []).map(bound);
  const [sources, targets] = [fault.primary, fault.secondary].map((rules = []) =>
    (typeof rules === 'function' ? rules(image) : rules).map(counted),
  ) as [QuirkRule[], QuirkRule[]];
  await watched(system, fault.row, among, [repository, beside], async () => {
    // The first rule that matches holds.
    system.source.rules.push(...sources, ...circumstances);
    system.target.rules.push(...targets);
    await system.deliver(repository, 'v1', image.digest);
    await system.deliver(beside, 'v1', other.digest);
    await system.verified(beside, 'v1', other.digest, 60_000);
    const happened = await outcome(system, fault, image.digest);
    // A fault that nobody met proves nothing.
    if (sources.length + targets.length > 0) expect(injected).toBeGreaterThan(0);
    if (fault.readsAtMost !== undefined)
      expect(system.source.bytes('received', 'GET', of(repository, 'blobs'))).toBeLessThan(fault.readsAtMost);
    for (const rules of [system.source.rules, system.target.rules])
      rules.splice(0, rules.length, ...rules.filter((rule) => !sources.includes(rule) && !targets.includes(rule)));
    if (fault.replaced)
      await system.deliver(repository, 'v1', (await pushImage(system.primary.url, repository, 'v1', { label: 'mended' })).digest);
    if (fault.scan) await system.scan();
    return happened;
  });
}

/** Looks for lies during a story that injects a fault and takes it away again, and reports what it says when all is well again. */
export async function watched(
  system: WireSystem,
  row: string,
  among: string,
  repositories: string[],
  story: () => Promise<string>,
  recoversWithinMs = 90_000,
): Promise<void> {
  const watch = system.watch(repositories);
  try {
    const happened = await story();
    await watch.recovered(recoversWithinMs);
    await watch.report(row, happened, among);
  } finally {
    await watch.stop();
  }
}

async function outcome(system: WireSystem, fault: WireCase, digest: string): Promise<string> {
  const { withinMs = 90_000 } = fault;
  if (fault.ends === 'survived') {
    await system.verified(fault.row, 'v1', digest, withinMs);
    return 'verified in spite of it';
  }
  const seen = await system.until(fault.row, 'v1', ({ sync }) => sync === 'failed', withinMs);
  expect(seen.reason).toMatch(fault.ends);
  return `\`failed\`: ${shown(seen.reason ?? '')}`;
}

/** More at a time make every one of them slow, and the healthy images beside them late. */
const CASES_AT_ONCE = 6;

/** Runs cases side by side, each in repositories of its own, and says of all which failed. */
export async function runCases(system: WireSystem, cases: readonly WireCase[], among: string): Promise<void> {
  const failed = await concurrently(cases, CASES_AT_ONCE, (fault) =>
    runCase(system, fault, among).then(
      () => [],
      (reason: unknown) => [`${fault.row}: ${String(reason)}`],
    ),
  );
  expect(failed.flat()).toEqual([]);
}
