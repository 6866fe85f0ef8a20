export { createLogger, type LoggerOptions } from './logger.ts';
export { metrics } from './metrics.ts';
export { redact, registerSecrets } from './redaction.ts';
export { countCopies, countRequest, type CountedRequest } from './registry-metrics.ts';
export type { Logger } from 'pino';
