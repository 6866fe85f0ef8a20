export { loadConfig, type LoadOptions } from './load-config.ts';
export { childEnvironment, environment, type Environment } from './environment.ts';
export { parseDuration, parseSize } from './units.ts';
export type { Retention, Section, SiteConfig, TemporalConfig, TemporalTls, TwinportConfig, WebhookConfig } from './twinport-config.ts';
