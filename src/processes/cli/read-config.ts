import { loadConfig, type LoadOptions, type TwinportConfig } from '../../config/index.ts';
import { registerSecrets } from '../../telemetry/index.ts';

/**
 * Reads the configuration, and has its secrets struck out of whatever is logged or said from then on.
 * @throws {TwinportError} CONFIG
 */
export function readConfig(options: LoadOptions): TwinportConfig {
  const config = loadConfig(options);
  registerSecrets(config.redact);
  return config;
}
