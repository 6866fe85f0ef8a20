import type { z } from 'zod';
import { TwinportError } from '../model/failure.ts';

/** A message that is not what its sender sends. */
export class InvalidEnvelope extends TwinportError {
  override readonly name = 'InvalidEnvelope';
  /** The field that is wrong; absent where the body as a whole is. */
  readonly path?: string;

  constructor(message: string, options: { path?: string; cause?: unknown } = {}) {
    super('INVALID', message, { cause: options.cause });
    if (options.path !== undefined) this.path = options.path;
  }
}

/**
 * Reads a body as JSON.
 * @param right what would be right, such as `a registry sends {"events": […]}`
 * @throws {InvalidEnvelope} INVALID
 */
export function readJson(body: Uint8Array, right: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new InvalidEnvelope(`the body is not JSON; ${right}`, { cause });
  }
}

/**
 * Holds an envelope against its shape.
 * @param right what would be right
 * @param base the path of `value` in the body, where it is not the body
 * @throws {InvalidEnvelope} INVALID with the path of the first field that is wrong
 */
export function checkShape<S extends z.ZodType>(schema: S, value: unknown, right: string, base = ''): z.output<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const path = formatPath(base, issue?.path ?? []);
  const message = `${path === '' ? 'the body' : path}: ${issue?.message ?? 'not an envelope'}; ${right}`;
  throw new InvalidEnvelope(message, path === '' ? {} : { path });
}

function formatPath(base: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, base);
}
