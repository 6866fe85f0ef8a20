import { Counter, Gauge, Histogram } from 'prom-client';
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
  help: 'Blobs, by what became of them; healed: brought to the secondary once more, which had held them and lost or broken them',
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

/** Counts what one `copyBlobs` did. @param healed what it brought over had been there before */
export function countCopies(
  site: string,
  copies: { copied: number; mounted: number; skipped: number; failures: readonly unknown[]; bytes: number },
  healed: boolean,
): void {
  const { copied, mounted, skipped, failures } = copies;
  const brought = healed ? { healed: copied + mounted } : { copied, mounted };
  for (const [outcome, n] of Object.entries({ ...brought, skipped, failed: failures.length })) blobs.inc({ site, outcome }, n);
  bytes.inc({ site }, copies.bytes);
}

const delay = new Histogram({
  name: 'twinport_push_to_verified_seconds',
  help: 'From the receipt of an event to the verification of its image',
  labelNames: ['site'],
  buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600],
  registers: [metrics],
});

/** Tells how long an image took from its event to its verification. */
export function observeDelay(site: string, delaySeconds: number): void {
  delay.observe({ site }, delaySeconds);
}

/** How the limits of a host stand, as the registry room tells of it. */
export interface HostLimits {
  readonly host: string;
  readonly state: {
    readonly concurrency: number;
    readonly waiting: number;
    readonly waitedMs: Readonly<Record<string, number>>;
  };
}

/** Shows the hosts' limits in the metrics from now on; `read` is asked each time that they are. */
export function watchLimits(read: () => readonly HostLimits[]): void {
  // The latest asker holds: a process has one registry room.
  readLimits = read;
}

let readLimits: () => readonly HostLimits[] = () => [];

new Gauge({
  name: 'twinport_registry_concurrency',
  help: 'Requests at a time that a host is sent at most, halved by each 429 and 503',
  labelNames: ['host'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const { host, state } of readLimits()) if (Number.isFinite(state.concurrency)) this.set({ host }, state.concurrency);
  },
});
new Gauge({
  name: 'twinport_registry_waiting_requests',
  help: 'Requests that wait for their turn at a host',
  labelNames: ['host'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const { host, state } of readLimits()) this.set({ host }, state.waiting);
  },
});
new Counter({
  name: 'twinport_registry_waited_seconds_total',
  help: 'Time that the request at the head of the queue waited for a host’s limits; reason: spread (little is left), quiet (Retry-After), throttled',
  labelNames: ['host', 'reason'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const { host, state } of readLimits()) {
      for (const [reason, ms] of Object.entries(state.waitedMs)) this.inc({ host, reason }, ms / 1000);
    }
  },
});
const away = new Gauge({
  name: 'twinport_registry_away',
  help: '1 while a registry does not answer and the activities that need it wait',
  labelNames: ['site', 'side', 'host'],
  registers: [metrics],
});

/** Shows whether a registry is away. */
export function showAway(registry: { site: string; side: string; host: string }, isAway: boolean): void {
  away.set(registry, isAway ? 1 : 0);
}
