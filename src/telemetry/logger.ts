import { pino, type Level, type Logger } from 'pino';
import { formatLogLine, type LogRecord } from './log-line.ts';
import { redactRecord } from './redaction.ts';

export interface LoggerOptions {
  /** `info` if absent. */
  readonly level?: Level | 'silent';
  /** `json`: an object a line; `text`: a line for people; absent: text on a terminal, else JSON. */
  readonly format?: 'json' | 'text';
  /** Colours in text; on a terminal if absent. */
  readonly color?: boolean;
  /** Written into every record, such as `{ command: 'starter' }`. */
  readonly base?: Readonly<Record<string, unknown>>;
  /** Where lines go; stderr if absent. */
  readonly write?: (line: string) => void;
}

/** The program's logger: on stderr, since stdout is for results, and without the secrets that `registerSecrets` knows. */
export function createLogger(options: LoggerOptions = {}): Logger {
  const terminal = process.stderr.isTTY;
  const text = (options.format ?? (terminal ? 'text' : 'json')) === 'text';
  const color = options.color ?? terminal;
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  return pino(
    { level: options.level ?? 'info', base: options.base ?? {}, ...(text ? {} : JSON_FORM) },
    {
      write(line: string) {
        const record = redactRecord(line);
        write(text ? formatLogLine(record as unknown as LogRecord, color) : `${JSON.stringify(record)}\n`);
      },
    },
  );
}

/** Collectors of logs look for the level's name and a readable time. */
const JSON_FORM = {
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
};
