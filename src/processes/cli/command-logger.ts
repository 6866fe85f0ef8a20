import pino, { type Logger } from 'pino';

/** The logger of a command: on stderr, warnings only where a person watches progress. */
export function commandLogger(command: string): Logger {
  const level = command === 'starter' || command === 'worker' || command === 'up' ? 'info' : 'warn';
  return pino({ level, base: { command } }, pino.destination(2));
}
