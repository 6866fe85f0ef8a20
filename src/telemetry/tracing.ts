import { AsyncLocalStorage } from 'node:async_hooks';
import type { Attributes, Context, HrTime, Span, SpanContext } from '@opentelemetry/api';
import type { Logger } from 'pino';
import { failureOf } from '../model/failure.ts';
import { carrierOf, placeOf, type RunSpan, type TraceCarrier } from '../model/trace.ts';
import type { About } from '../model/about.ts';
import { redact } from './redaction.ts';

/** What a span is of. */
export interface SpanOptions {
  readonly name: string;
  /** `server`: we were asked; `client`: we ask; else inside. */
  readonly kind?: 'server' | 'client';
  readonly attributes: Attributes;
  /** Absent: the span that is open here, if one is. */
  readonly parent?: TraceCarrier | undefined;
  /** Milliseconds since the epoch, where it began before. */
  readonly startedAt?: number;
}

/** An open span. */
export interface OpenSpan {
  readonly carrier: TraceCarrier;
  add(attributes: Attributes): void;
}

/** Makes spans, and sends them to a collector. */
export interface Tracer {
  /** Does `work` in a span; one that throws has failed. */
  span<T>(options: SpanOptions, work: (span: OpenSpan) => Promise<T>): Promise<T>;
  /** Sends a span that a workflow has told of. */
  ran(span: RunSpan): void;
  /** Sends what is left. */
  close(): Promise<void>;
}

export interface TracingOptions {
  /** Where a collector takes OTLP over HTTP: with `/v1/traces`. */
  readonly url: string;
  readonly version: string;
  readonly logger: Logger;
}

const CLOSE_MS = 2_000;
const TELL_EVERY_MS = 60_000;

/** Starts tracing. Only here OpenTelemetry's packages are loaded: who does not trace does not wait for them. */
export async function startTracing({ url, version, logger }: TracingOptions): Promise<Tracer> {
  const [api, { resourceFromAttributes, detectResources, envDetector }, sdk, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/resources'),
    import('@opentelemetry/sdk-trace-base'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
  ]);
  api.diag.setLogger(quiet(logger, url), api.DiagLogLevel.ERROR);
  const resource = resourceFromAttributes({ 'service.name': 'twinport', 'service.version': version }).merge(
    detectResources({ detectors: [envDetector] }),
  );
  const processor = new sdk.BatchSpanProcessor(new OTLPTraceExporter({ url }));
  const provider = new sdk.BasicTracerProvider({ resource, spanProcessors: [processor] });
  const scope = { name: 'twinport', version };
  const tracer = provider.getTracer(scope.name, scope.version);
  const active = new AsyncLocalStorage<TraceCarrier>();

  const spanContext = (carrier: TraceCarrier): SpanContext => {
    const { traceId, spanId, sampled } = placeOf(carrier) ?? { traceId: '', spanId: '', sampled: false };
    const traceState = carrier.tracestate === undefined ? {} : { traceState: api.createTraceState(carrier.tracestate) };
    return { traceId, spanId, traceFlags: sampled ? 1 : 0, isRemote: true, ...traceState };
  };
  const contextOf = (carrier: TraceCarrier | undefined): Context =>
    carrier ? api.trace.setSpanContext(api.ROOT_CONTEXT, spanContext(carrier)) : api.ROOT_CONTEXT;
  const kinds = { server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT, inside: api.SpanKind.INTERNAL };

  return {
    async span({ name, kind, attributes, parent = active.getStore(), startedAt }, work) {
      const options = { kind: kinds[kind ?? 'inside'], attributes, ...(startedAt === undefined ? {} : { startTime: startedAt }) };
      const span = tracer.startSpan(name, options, contextOf(parent));
      const carrier = carrierOfSpan(span);
      try {
        return await active.run(carrier, () => work({ carrier, add: (more) => void span.setAttributes(more) }));
      } catch (thrown) {
        const { code, message } = failureOf(thrown);
        span.setAttribute('twinport.failure.code', code);
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: redact(message) });
        throw thrown;
      } finally {
        span.end();
      }
    },
    ran({ name, own, parent, startedAt, endedAt, about, workflowId, runId, failure }) {
      if (placeOf(own)?.sampled !== true) return;
      processor.onEnd({
        ...{ name, kind: kinds.inside, resource, instrumentationScope: scope, ended: true, links: [], events: [] },
        ...{ spanContext: () => spanContext(own), parentSpanContext: spanContext(parent) },
        ...{ startTime: hrTime(startedAt), endTime: hrTime(endedAt), duration: hrTime(endedAt - startedAt) },
        attributes: { ...attributesOf(about), 'temporal.workflow.id': workflowId, 'temporal.run.id': runId },
        status: failure === undefined ? { code: api.SpanStatusCode.UNSET } : { code: api.SpanStatusCode.ERROR, message: redact(failure) },
        ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
      });
    },
    async close() {
      await Promise.race([provider.shutdown(), new Promise((done) => setTimeout(done, CLOSE_MS).unref())]).catch(() => undefined);
    },
  };
}

/** What a span says of what it is for. */
export function attributesOf({ site, repository, reference }: About): Attributes {
  return {
    ...(site === undefined ? {} : { 'twinport.site': site }),
    ...(repository === undefined ? {} : { 'twinport.repository': repository }),
    ...(reference === undefined ? {} : { 'twinport.reference': reference }),
  };
}

function carrierOfSpan(span: Span): TraceCarrier {
  const { traceId, spanId, traceFlags, traceState } = span.spanContext();
  return carrierOf({ traceId, spanId, sampled: (traceFlags & 1) === 1 }, traceState?.serialize());
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1_000_000)];
}

/** A collector that is away is told of once a minute: spans come every five seconds. */
function quiet(logger: Logger, url: string) {
  let toldAt = -TELL_EVERY_MS;
  const tell = (message: string): void => {
    if (performance.now() - toldAt < TELL_EVERY_MS) return;
    toldAt = performance.now();
    logger.warn({ url, reason: redact(message) }, 'the collector does not take traces: they are lost until it does');
  };
  return { error: tell, warn: tell, info() {}, debug() {}, verbose() {} };
}
