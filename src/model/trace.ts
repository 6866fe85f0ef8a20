import type { About } from './about.ts';

/** Under which Temporal's own interceptors send a trace along, in every language: an object with the W3C headers. */
export const TRACE_HEADER = '_tracer-data';

/** Where a span belongs, as the W3C headers say. @see https://www.w3.org/TR/trace-context/ */
export interface TraceCarrier {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** What a `traceparent` says. */
export interface TracePlace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  readonly sampled: boolean;
}

/** The run of a workflow, as a span. */
export interface RunSpan {
  readonly name: string;
  /** The place of the span itself. */
  readonly own: TraceCarrier;
  readonly parent: TraceCarrier;
  /** Milliseconds since the epoch, by Temporal's clock. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly about: About;
  readonly workflowId: string;
  readonly runId: string;
  /** Absent where it did not fail. */
  readonly failure?: string;
}

const PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const LONGEST_STATE = 512;

/** Reads W3C headers, or an object with them; what is not right is none. */
export function readCarrier(headers: unknown): TraceCarrier | undefined {
  if (typeof headers !== 'object' || headers === null) return undefined;
  const { traceparent, tracestate } = headers as { traceparent?: unknown; tracestate?: unknown };
  if (typeof traceparent !== 'string' || !placeOf({ traceparent })) return undefined;
  return typeof tracestate === 'string' && tracestate.length <= LONGEST_STATE ? { traceparent, tracestate } : { traceparent };
}

/** Where a carrier leads. */
export function placeOf({ traceparent }: TraceCarrier): TracePlace | undefined {
  const [, version, traceId = '', spanId = '', flags = ''] = PARENT.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (parseInt(flags, 16) & 1) === 1 };
}

/** Writes a place down. */
export function carrierOf({ traceId, spanId, sampled }: TracePlace, tracestate?: string): TraceCarrier {
  const traceparent = `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}
