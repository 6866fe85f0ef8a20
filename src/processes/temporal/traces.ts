import type { Context } from '@temporalio/activity';
import type { WorkflowClientInterceptor } from '@temporalio/client';
import { defaultPayloadConverter, type Headers } from '@temporalio/common';
import type { ActivityInterceptors, InjectedSinks } from '@temporalio/worker';
import type { TraceSinks } from '../../../workflows/tracing.ts';
import { aboutOf } from '../../model/about.ts';
import { readCarrier, TRACE_HEADER, type TraceCarrier } from '../../model/trace.ts';
import { attributesOf, type OpenSpan, type Tracer } from '../../telemetry/index.ts';

/** Spans of what is started and signalled, with their place sent along. The names are those of Temporal's own interceptors. */
export function traceClient(tracer: Tracer): WorkflowClientInterceptor {
  const span = <T>(name: string, workflowId: string, input: unknown, work: (span: OpenSpan) => Promise<T>): Promise<T> =>
    tracer.span({ name, kind: 'client', attributes: { ...attributesOf(aboutOf(input)), 'temporal.workflow.id': workflowId } }, work);
  return {
    startWithDetails: (input, next) =>
      span(`StartWorkflow:${input.workflowType}`, input.options.workflowId, input.options.args[0], async ({ carrier, add }) => {
        const started = await next({ ...input, headers: withTrace(input.headers, carrier) });
        add({ 'temporal.run.id': started.runId });
        return started;
      }),
    signal: (input, next) =>
      span(`SignalWorkflow:${input.signalName}`, input.workflowExecution.workflowId, input.args[0], ({ carrier }) =>
        next({ ...input, headers: withTrace(input.headers, carrier) }),
      ),
    signalWithStart: (input, next) =>
      span(`SignalWithStartWorkflow:${input.workflowType}`, input.options.workflowId, input.options.args[0], async ({ carrier, add }) => {
        const runId = await next({ ...input, headers: withTrace(input.headers, carrier) });
        // Of the run that takes it: the push may have joined one.
        add({ 'temporal.run.id': runId });
        return runId;
      }),
  };
}

/** Spans of each attempt of what a traced run asks for; other runs' activities have none. */
export function traceActivities(tracer: Tracer): (context: Context) => ActivityInterceptors {
  return ({ info }) => ({
    inbound: {
      execute(input, next) {
        const payload = input.headers[TRACE_HEADER];
        const parent = payload && readCarrier(defaultPayloadConverter.fromPayload(payload));
        if (!parent) return next(input);
        const { activityType, attempt, workflowExecution } = info;
        const attributes = {
          ...attributesOf(aboutOf(input.args[0])),
          'temporal.activity.attempt': attempt,
          ...(workflowExecution
            ? { 'temporal.workflow.id': workflowExecution.workflowId, 'temporal.run.id': workflowExecution.runId }
            : {}),
        };
        return tracer.span({ name: `RunActivity:${activityType}`, attributes, parent }, () => next(input));
      },
    },
  });
}

/** Takes the spans of runs; without a tracer they go nowhere, since a run may be traced by who started it. */
export function traceSinks(tracer: Tracer | undefined): InjectedSinks<TraceSinks> {
  return { traces: { ran: { fn: (_info, span) => tracer?.ran(span), callDuringReplay: false } } };
}

function withTrace(headers: Headers, carrier: TraceCarrier): Headers {
  return { ...headers, [TRACE_HEADER]: defaultPayloadConverter.toPayload(carrier) };
}
