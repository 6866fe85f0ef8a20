import type { z } from 'zod';
import { registryError } from './errors.ts';
import type { Session } from './session.ts';
import type { ApiRequest } from './transport/call-api.ts';
import type { RegistryRequest, RegistryResponse } from './transport/request.ts';

/** A checked answer of a kind's own API. */
export interface JsonAnswer<T> {
  readonly body: T;
  header(name: string): string | undefined;
}

/**
 * Asks a kind's own API and checks what it answers.
 * @param missing statuses that mean "not this server", "not there" or "not for these credentials"
 * @returns `undefined` for those
 * @throws {RegistryError} PROTOCOL (not JSON, or of another shape: with the path of the field), and as `Session.call`
 */
export async function callJson<T>(
  session: Session,
  request: Omit<ApiRequest, 'accept'>,
  schema: z.ZodType<T>,
  missing: readonly number[] = [],
): Promise<JsonAnswer<T> | undefined> {
  const headers = { accept: 'application/json', ...request.headers };
  const response = await session.call({ ...request, headers, accept: [200, ...missing] });
  return missing.includes(response.status) ? undefined : readJson(session, request, response, schema);
}

/**
 * Reads an answer as JSON of a known shape; keys that the schema does not name may be there.
 * @throws {RegistryError} PROTOCOL (not JSON, or of another shape: with the path of the field)
 */
export function readJson<T>(
  session: Session,
  request: Pick<RegistryRequest, 'method' | 'path' | 'repository'>,
  response: RegistryResponse,
  schema: z.ZodType<T>,
): JsonAnswer<T> {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(response.bytes));
  } catch {
    throw registryError(session, request, 'PROTOCOL', 'the answer is not JSON', { status: response.status });
  }
  const checked = schema.safeParse(json);
  if (checked.success) return { body: checked.data, header: (name) => response.header(name) };
  const issue = checked.error.issues[0];
  const where = issue?.path.join('.') ?? '';
  const says = `the answer is not as documented: ${where === '' ? 'the body' : where}: ${issue?.message ?? ''}`;
  throw registryError(session, request, 'PROTOCOL', says, { status: response.status });
}
