import { defaultPayloadConverter } from '@temporalio/common';
import { ContinueAsNew, isCancellation, proxySinks, workflowInfo, type Sinks, type WorkflowInterceptors } from '@temporalio/workflow';
import { aboutOf } from '../src/model/about.ts';
import { WORKFLOWS } from '../src/model/names.ts';
import { carrierOf, placeOf, readCarrier, TRACE_HEADER, type RunSpan, type TraceCarrier } from '../src/model/trace.ts';

/** Where runs' spans go; nowhere on a worker that does not trace. */
export interface TraceSinks extends Sinks {
  traces: { ran(span: RunSpan): void };
}

type Headers = Parameters<NonNullable<NonNullable<WorkflowInterceptors['outbound']>[number]['scheduleActivity']>>[0]['headers'];

const { traces } = proxySinks<TraceSinks>();

/** What a round begins with: from there on the work is for the push that came last. */
const ROUNDS: Readonly<Record<string, readonly string[]>> = {
  [WORKFLOWS.syncImage]: ['fetchManifests'],
  [WORKFLOWS.syncRepository]: ['lookAtDigests', 'compareRepository'],
};

/**
 * Passes the trace of whoever started a run, or signalled it, on to what the run begins. All of it follows from headers, which are in the history, and
 * adds no wait anywhere: runs replay alike with tracing and without (ADR 23).
 */
export const interceptors = (): WorkflowInterceptors => {
  let startedBy: TraceCarrier | undefined;
  let present: TraceCarrier | undefined;
  let coming: TraceCarrier | undefined;
  const passed = <I extends { readonly headers: Headers }>(input: I, trace = present): I =>
    trace ? { ...input, headers: { ...input.headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(trace) } } : input;
  return {
    inbound: [
      {
        execute(input, next) {
          startedBy = carrierIn(input.headers);
          if (!startedBy) return next(input);
          const own = ownPlace(startedBy);
          present = own;
          const result = next(input);
          tellEnd(result, startedBy, own, input.args[0]);
          return result;
        },
        handleSignal(input, next) {
          const trace = carrierIn(input.headers);
          // The signal that came with the start is not another push.
          if (trace && trace.traceparent !== startedBy?.traceparent) coming = trace;
          return next(input);
        },
      },
    ],
    outbound: [
      {
        scheduleActivity(input, next) {
          if (coming && ROUNDS[workflowInfo().workflowType]?.includes(input.activityType)) {
            present = coming;
            coming = undefined;
          }
          return next(passed(input));
        },
        startChildWorkflowExecution: (input, next) => next(passed(input)),
        signalWorkflow: (input, next) => next(passed(input)),
        continueAsNew: (input, next) => next(passed(input, coming ?? present)),
      },
    ],
  };
};

function carrierIn(headers: Headers): TraceCarrier | undefined {
  const payload = headers[TRACE_HEADER];
  return payload && readCarrier(defaultPayloadConverter.fromPayload(payload));
}

/** A run's span has an id of the run's own: no random number is used up for it. */
function ownPlace(parent: TraceCarrier): TraceCarrier {
  const { traceId, sampled } = placeOf(parent) ?? { traceId: '', sampled: false };
  return carrierOf({ traceId, spanId: workflowInfo().runId.replaceAll('-', '').slice(0, 16), sampled }, parent.tracestate);
}

function tellEnd(result: Promise<unknown>, parent: TraceCarrier, own: TraceCarrier, input: unknown): void {
  const { workflowId, runId, workflowType } = workflowInfo();
  const startedAt = Date.now();
  const tell = (failure?: string): void =>
    traces.ran({
      ...{ name: `RunWorkflow:${workflowType}`, own, parent, startedAt, endedAt: Date.now(), about: aboutOf(input), workflowId, runId },
      ...(failure === undefined ? {} : { failure }),
    });
  result.then(
    () => tell(),
    (thrown: unknown) =>
      tell(thrown instanceof ContinueAsNew || isCancellation(thrown) ? undefined : String((thrown as Error | undefined)?.message)),
  );
}
