import { z } from 'zod';
import { failureOf, retryOf, TwinportError, type FailureCode } from '../../model/failure.ts';

const REQUEST_MS = 30_000;
const ERROR = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** One answer of the API, over HTTP or from inside the process. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

/** How requests reach the API. */
export type ApiTransport = (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<ApiAnswer>;

/** The API as commands use it: paths are below `/api/v1`, failures are ours. */
export interface ApiClient {
  /** Where it is, for messages. */
  readonly where: string;
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: unknown): Promise<T>;
  close(): Promise<void>;
}

/** Makes a client of a transport. */
export function createApiClient(where: string, transport: ApiTransport, close: () => Promise<void> = async () => undefined): ApiClient {
  const call = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> => {
    const answer = await transport(method, `/api/v1${path}`, body);
    const json = parseJson(answer.body);
    if (answer.status >= 200 && answer.status < 300 && json !== undefined) return json;
    throw refusal(where, answer.status, json);
  };
  return {
    where,
    close,
    get: <T>(path: string) => call('GET', path) as Promise<T>,
    post: <T>(path: string, body: unknown = {}) => call('POST', path, body) as Promise<T>,
  };
}

/** The API of another process. */
export function remoteApi(url: string, token: string | undefined): ApiClient {
  const base = url.replace(/\/+$/, '');
  return createApiClient(base, async (method, path, body) => {
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    };
    try {
      const answer = await fetch(base + path, {
        method,
        headers,
        // A redirect would take the token elsewhere.
        redirect: 'manual',
        signal: AbortSignal.timeout(REQUEST_MS),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { status: answer.status, body: await answer.text() };
    } catch (cause) {
      throw new TwinportError(
        'UNREACHABLE',
        `Twinport does not answer at ${base} (${reasonOf(cause)}); is it running, and is control.url right?`,
        { cause },
      );
    }
  });
}

function refusal(where: string, status: number, json: unknown): TwinportError {
  const said = ERROR.safeParse(json).data?.error;
  if (!said) return new TwinportError('PROTOCOL', `${where} answered ${status}, not as Twinport does; is control.url right?`);
  const code = isCode(said.code) ? said.code : 'INTERNAL';
  return new TwinportError(code, said.message);
}

function isCode(code: string): code is FailureCode {
  return typeof retryOf(code as FailureCode) === 'string';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(cause: unknown): string {
  const inner = typeof cause === 'object' && cause !== null && 'cause' in cause ? cause.cause : undefined;
  const code = typeof inner === 'object' && inner !== null && 'code' in inner ? String(inner.code) : undefined;
  return code ?? failureOf(cause).message;
}
