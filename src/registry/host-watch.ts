import { isTwinportError, type FailureCode } from '../model/failure.ts';
import { registryError, type Peer, type RegistryError } from './errors.ts';
import { abortable } from './transport/abortable.ts';
import { pause } from './transport/pause.ts';
import type { RegistryRequest } from './transport/request.ts';
import { apiRoot } from './transport/target-url.ts';
import type { Wire } from './transport/wire.ts';

/** Told once when a host is away, and once when it is back. */
export interface WatchOptions {
  /** @param reason what the last request failed with */
  onAway(reason: string): void;
  /** @param awayMs how long it was away */
  onBack(awayMs: number): void;
}

/** How long somebody waits for a host that is away. */
export interface Patience {
  /** From the beginning of the wait, in milliseconds. */
  readonly waitMs?: number;
  /** From when the host went away, in milliseconds. */
  readonly outageMs?: number;
}

/** Whether a host answers at all. Who finds out that it does not finds it out for everybody: one probe asks for all. */
export interface HostWatch {
  /**
   * Sends, unless the host is known to be away.
   * @throws {RegistryError} UNREACHABLE (not sent); what `send` throws
   */
  guard<T>(request: RegistryRequest, send: () => Promise<T>): Promise<T>;
  /**
   * Waits for as long as the host is known to be away.
   * @throws {RegistryError} UNREACHABLE (the patience is over), CANCELLED
   */
  untilBack(patience: Patience, signal?: AbortSignal): Promise<void>;
  close(): void;
}

export interface HostWatchParts extends WatchOptions {
  readonly peer: Peer;
  readonly wire: Wire;
  /** The host is back: what was found out about its limits is old. */
  readonly recovered: () => void;
}

/** So many failures with no answer in between, and the host is asked whether it is there. */
const SUSPICIOUS = 3;
const SUSPECTED: ReadonlySet<FailureCode> = new Set(['UNREACHABLE', 'STALLED', 'UNAVAILABLE']);

/** Between two probes: a share of the time that the host has been away, within these. */
const SHARE = 1 / 8;
const SHORTEST_MS = 250;
const LONGEST_MS = 10_000;
const PROBE_MS = 5_000;

const ROOT: RegistryRequest = { method: 'GET', path: '', scope: 'any', accept: [200] };

interface Away {
  readonly since: number;
  readonly reason: string;
  readonly back: Promise<void>;
}

/** Watches a host by what happens to the requests to it. */
export function watchHost(parts: HostWatchParts): HostWatch {
  const { peer } = parts;
  const closed = new AbortController();
  let failures = 0;
  let probing = false;
  let away: Away | undefined;

  function failed(thrown: unknown): void {
    if (!isTwinportError(thrown)) return;
    if (!SUSPECTED.has(thrown.code)) {
      if ((thrown as Partial<RegistryError>).status !== undefined) failures = 0;
      return;
    }
    failures += 1;
    if (failures < SUSPICIOUS || probing || closed.signal.aborted) return;
    probing = true;
    // It ends only with the host's return or the session: what it throws then has no reader.
    void probeUntilBack(thrown.message).finally(() => (probing = false));
  }

  async function probeUntilBack(reason: string): Promise<void> {
    const since = performance.now();
    let back = (): void => undefined;
    while (!(await answers(parts, closed.signal))) {
      if (closed.signal.aborted) break;
      if (!away) {
        away = { since, reason, back: new Promise((resolve) => (back = resolve)) };
        parts.onAway(reason);
      }
      const ms = (performance.now() - since) * SHARE;
      await pause(Math.min(LONGEST_MS, Math.max(SHORTEST_MS, ms)), closed.signal).catch(() => undefined);
    }
    failures = 0;
    if (!away) return;
    away = undefined;
    if (!closed.signal.aborted) {
      parts.recovered();
      parts.onBack(performance.now() - since);
    }
    back();
  }

  return {
    async guard(request, send) {
      if (away) throw unreachable(peer, request, 'not sent', away);
      try {
        const response = await send();
        failures = 0;
        return response;
      } catch (thrown) {
        failed(thrown);
        throw thrown;
      }
    },
    async untilBack({ waitMs = Number.POSITIVE_INFINITY, outageMs = Number.POSITIVE_INFINITY }, signal) {
      const deadline = performance.now() + waitMs;
      while (away) {
        const left = Math.min(deadline, away.since + outageMs) - performance.now();
        if (left <= 0) throw unreachable(peer, ROOT, 'waited for in vain', away);
        await withinMs(away.back, left, signal);
      }
    },
    close: () => closed.abort(),
  };
}

/** Whether the host says anything that is no failure of its own; what it thinks of us does not matter. */
async function answers({ wire, peer }: HostWatchParts, closed: AbortSignal): Promise<boolean> {
  try {
    const signal = AbortSignal.any([closed, AbortSignal.timeout(PROBE_MS)]);
    const answer = await wire.exchange({ method: 'GET', url: apiRoot(peer.endpoint.url), headers: {}, signal });
    answer.body.on('error', () => undefined).destroy();
    return answer.status < 500;
  } catch {
    return false; // whatever it is, it is no answer
  }
}

/** Waits for something, but not longer than so long. */
async function withinMs(something: Promise<void>, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const over = new AbortController();
  try {
    // A timer beyond its range would fire at once.
    await abortable(Promise.race([something, pause(Math.min(ms, 2 ** 31 - 1), over.signal).catch(() => undefined)]), signal);
  } finally {
    over.abort();
  }
}

function unreachable(peer: Peer, request: RegistryRequest, what: string, { since, reason }: Away): RegistryError {
  const seconds = Math.round((performance.now() - since) / 1000);
  return registryError(peer, request, 'UNREACHABLE', `${what}: the host has not answered for ${seconds} s; then: ${reason}`);
}
