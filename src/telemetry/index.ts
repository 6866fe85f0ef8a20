export { createLogger, type LoggerOptions } from './logger.ts';
export { metrics } from './metrics.ts';
export { redact, registerSecrets } from './redaction.ts';
export { countCopies, countRequest, showAway, watchLimits, type CountedRequest, type HostLimits } from './registry-metrics.ts';
export type { Logger } from 'pino';
