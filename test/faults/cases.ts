import { expect } from '@jest/globals';
import { pushImage, randomBytes, type ImageOptions } from '../support/images.ts';
import type { QuirkRule } from '../support/quirk-proxy.ts';
import type { WireSystem } from './system.ts';

/** A fault of one repository, injected by a proxy. */
export interface WireCase {
  readonly row: string;
  readonly image?: ImageOptions;
  readonly primary?: readonly QuirkRule[];
  readonly secondary?: readonly QuirkRule[];
  /** `survived`: verified while the fault lasts. Else what the failure says, which ends with the fault. */
  readonly ends: 'survived' | RegExp;
  /** No retry can mend it: the next scan looks again when the fault is gone. */
  readonly scan?: true;
}

const BLOBS = /\/blobs\/sha256:/;
const UPLOADS = /\/blobs\/uploads\//;
const MANIFESTS = /\/manifests\//;
const MIB = 1024 * 1024;
const LARGE: ImageOptions = { layers: [8 * MIB, 2_000] };
const refused = (status: number, code: string, message: string): NonNullable<QuirkRule['answer']> => ({
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
];

/** The reason without what differs from run to run. */
function shown(reason: string): string {
  return reason.replace(/ \(127\.0\.0\.1:\d+\)/gu, '').replace(/(sha256:[a-f0-9]{8})[a-f0-9]{56}|([a-f0-9]{8})[a-f0-9]{56}/gu, '$1$2…');
}

/** Runs one case from the push to the report. */
export async function runCase(system: WireSystem, fault: WireCase, among: string): Promise<void> {
  const repository = fault.row;
  const beside = `${fault.row}-beside`;
  let injected = 0;
  const when: QuirkRule['when'] = ({ url }) => url?.startsWith(`/v2/${repository}/`) === true;
  const bound = (rule: QuirkRule): QuirkRule => ({ ...rule, when, onRequest: () => (injected += 1) });
  const [sources, targets] = [(fault.primary ?? []).map(bound), (fault.secondary ?? []).map(bound)];
  const [image, other] = [
    await pushImage(system.primary.url, repository, 'v1', fault.image ?? {}),
    await pushImage(system.primary.url, beside, 'v1'),
  ];
  system.source.rules.push(...sources);
  system.target.rules.push(...targets);
  const watch = system.watch([repository, beside]);
  try {
    await system.deliver(repository, 'v1', image.digest);
    await system.deliver(beside, 'v1', other.digest);
    await system.verified(beside, 'v1', other.digest, 60_000);
    const happened = await outcome(system, fault, image.digest);
    // A fault that nobody met proves nothing.
    expect(injected).toBeGreaterThan(0);
    for (const rules of [system.source.rules, system.target.rules])
      rules.splice(0, rules.length, ...rules.filter((rule) => !sources.includes(rule) && !targets.includes(rule)));
    if (fault.scan) await system.scan();
    await watch.recovered(90_000);
    await watch.report(fault.row, happened, among);
  } finally {
    await watch.stop();
  }
}

async function outcome(system: WireSystem, fault: WireCase, digest: string): Promise<string> {
  if (fault.ends === 'survived') {
    await system.verified(fault.row, 'v1', digest, 90_000);
    return 'verified in spite of it';
  }
  const seen = await system.until(fault.row, 'v1', ({ sync }) => sync === 'failed', 90_000);
  expect(seen.reason).toMatch(fault.ends);
  return `\`failed\`: ${shown(seen.reason ?? '')}`;
}

/** Runs cases side by side, each in repositories of its own, and says of all which failed. */
export async function runCases(system: WireSystem, cases: readonly WireCase[], among: string): Promise<void> {
  const results = await Promise.allSettled(cases.map((fault) => runCase(system, fault, among)));
  const failed = results.flatMap((result, n) => (result.status === 'rejected' ? [`${cases[n]?.row}: ${String(result.reason)}`] : []));
  expect(failed).toEqual([]);
}
