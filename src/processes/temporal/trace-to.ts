import type { TwinportConfig } from '../../config/index.ts';
import { startTracing, type Logger, type Tracer } from '../../telemetry/index.ts';
import type { Stack } from '../embedded/stack.ts';
import { version } from '../version.ts';

/** Starts tracing where a collector is configured; the stack sends what is left. */
export async function traceTo({ telemetry }: Pick<TwinportConfig, 'telemetry'>, logger: Logger, stack: Stack): Promise<Tracer | undefined> {
  if (!telemetry) return undefined;
  const tracer = await startTracing({ url: telemetry.traces, version: version(), logger });
  stack.add('tracing', () => tracer.close());
  return tracer;
}
