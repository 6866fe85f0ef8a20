export { countAttempt } from './activity-metrics.ts';
export { createLogger, type LoggerOptions } from './logger.ts';
export { addMetrics, allMetrics, gauge, metrics } from './metrics.ts';
export { redact, registerPassingSecret, registerSecrets, strike } from './redaction.ts';
export {
  countCopies,
  countRequest,
  observeDelay,
  showAway,
  watchLimits,
  type CountedRequest,
  type HostLimits,
} from './registry-metrics.ts';
export { attributesOf, startTracing, type OpenSpan, type Tracer } from './tracing.ts';
export type { Logger } from 'pino';
