import { createLogger, type Logger } from '../../telemetry/index.ts';

/** Commands that serve tell what they do; the others leave the terminal to progress and results. */
const SERVERS: ReadonlySet<string> = new Set(['starter', 'worker', 'up']);

/** The logger of a command. */
export function commandLogger(command: string): Logger {
  return createLogger({ level: SERVERS.has(command) ? 'info' : 'warn', base: { command } });
}
