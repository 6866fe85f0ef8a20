import type { z } from 'zod';
import { registryError } from './errors.ts';
import type { Session } from './session.ts';
import type { ApiRequest } from './transport/call-api.ts';

/** A checked answer of a kind's own API. */
export interface JsonAnswer<T> {
  readonly body: T;
  header(name: string): string | undefined;
}

/**
 * Asks a kind's own API and checks what it answers.
 * @param missing statuses that mean "not this server" or "not there"
 * @returns `undefined` for those
 * @throws {RegistryError} PROTOCOL (not JSON, or of another shape: with the path of the field), and as `Session.call`
 */
export async function callJson<T>(
  session: Session,
  request: Omit<ApiRequest, 'accept'>,
  schema: z.ZodType<T>,
  missing: readonly number[] = [],
): Promise<JsonAnswer<T> | undefined> {
  const response = await session.call({
    ...request,
    headers: { accept: 'application/json', ...request.headers },
    accept: [200, ...missing],
  });
  if (missing.includes(response.status)) return undefined;
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
  throw registryError(
    session,
    request,
    'PROTOCOL',
    `the answer is not as documented: ${where === '' ? 'the body' : where}: ${issue?.message ?? ''}`,
    {
      status: response.status,
    },
  );
}
