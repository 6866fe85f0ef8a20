import { Counter, Histogram } from 'prom-client';
import { metrics } from './metrics.ts';

/** One HTTP request to a registry, as the registry room tells of it. */
export interface CountedRequest {
  readonly side: 'primary' | 'secondary';
  readonly host: string;
  readonly method: string;
  /** Absent where no answer came. */
  readonly status?: number;
  readonly durationMs: number;
}

const requests = new Counter({
  name: 'twinport_registry_requests_total',
  help: 'Requests to registries, redirects included; status none: no answer came',
  labelNames: ['host', 'side', 'method', 'status'],
  registers: [metrics],
});
const seconds = new Histogram({
  name: 'twinport_registry_answer_seconds',
  help: 'Time until the head of a registry’s answer',
  labelNames: ['host', 'side'],
  buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  registers: [metrics],
});
const blobs = new Counter({
  name: 'twinport_blobs_total',
  help: 'Blobs, by what became of them',
  labelNames: ['site', 'outcome'],
  registers: [metrics],
});
const bytes = new Counter({
  name: 'twinport_copied_bytes_total',
  help: 'Bytes of blobs copied',
  labelNames: ['site'],
  registers: [metrics],
});

/** Counts a request; fits `openSession`’s `onRequest`. */
export function countRequest({ host, side, method, status, durationMs }: CountedRequest): void {
  requests.inc({ host, side, method, status: status ?? 'none' });
  seconds.observe({ host, side }, durationMs / 1000);
}

/** Counts what one `copyBlobs` did. */
export function countCopies(
  site: string,
  copies: { copied: number; mounted: number; skipped: number; failures: readonly unknown[]; bytes: number },
): void {
  const { copied, mounted, skipped, failures } = copies;
  for (const [outcome, n] of Object.entries({ copied, mounted, skipped, failed: failures.length })) blobs.inc({ site, outcome }, n);
  bytes.inc({ site }, copies.bytes);
}
