import { inspect } from 'node:util';

/** What pino writes of a record. */
export interface LogRecord {
  readonly level: number;
  readonly time: number;
  readonly msg?: string;
  readonly err?: { readonly type?: string; readonly code?: string; readonly message?: string; readonly stack?: string };
  readonly [key: string]: unknown;
}

const LEVELS: readonly (readonly [number, string, string])[] = [
  [60, 'fatal', '\u001b[31m'],
  [50, 'error', '\u001b[31m'],
  [40, 'warn', '\u001b[33m'],
  [30, 'info', '\u001b[32m'],
  [0, 'debug', '\u001b[90m'],
];
const RESET = '\u001b[0m';

/** A record of pino as one line for people, and its stack below it where there is one at `error`. */
export function formatLogLine(record: LogRecord, color: boolean): string {
  const { level, time, msg, err, pid: _pid, hostname: _hostname, v: _v, ...fields } = record;
  const [, name, code] = LEVELS.find(([least]) => level >= least) ?? [0, 'debug', ''];
  const label = color ? `${code}${name.padEnd(5)}${RESET}` : name.padEnd(5);
  const told = Object.entries(fields).map(([key, value]) => `${key}=${formatValue(value)}`);
  const cause = err && err.message !== msg ? [`${err.code ?? err.type ?? 'error'}: ${err.message ?? ''}`] : [];
  const head = [new Date(time).toISOString().slice(11, 19), label, msg ?? '', ...cause, ...told].filter((part) => part !== '').join(' ');
  // Our own failures say in their message what happened; a stack tells of defects only.
  const defect = level >= 50 && err?.stack !== undefined && (err.code === undefined || err.code === 'INTERNAL');
  return defect ? `${head}\n${err.stack}\n` : `${head}\n`;
}

function formatValue(value: unknown): string {
  if (typeof value === 'string') return /^[^\s="]+$/.test(value) ? value : JSON.stringify(value);
  return inspect(value, { breakLength: Infinity, depth: 3 });
}
