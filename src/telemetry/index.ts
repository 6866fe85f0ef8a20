export { createLogger, type LoggerOptions } from './logger.ts';
export { metrics } from './metrics.ts';
export { redact, registerSecrets } from './redaction.ts';
export type { Logger } from 'pino';
