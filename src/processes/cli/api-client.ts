import type { request as Request } from 'node:http';
import { text } from 'node:stream/consumers';
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
      return await ask(base + path, method, headers, body);
    } catch (cause) {
      throw new TwinportError(
        'UNREACHABLE',
        `Twinport does not answer at ${base} (${reasonOf(cause)}); is it running, and is control.url right?`,
        { cause },
      );
    }
  });
}

/** Over plain HTTP and not by `fetch`, which takes as long to load as the rest of a command. Redirects, which would take the token elsewhere, are not followed. */
async function ask(url: string, method: string, headers: Record<string, string>, body: unknown): Promise<ApiAnswer> {
  const { request } = (await import(url.startsWith('https:') ? 'node:https' : 'node:http')) as { request: typeof Request };
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(REQUEST_MS);
    const sent = request(url, { method, headers, signal }, (answer) => {
      text(answer).then(
        (content) => resolve({ status: answer.statusCode ?? 0, body: content }),
        // An answer that is cut by the deadline says only that it is cut.
        (cut) => reject(signal.aborted ? (signal.reason as Error) : (cut as Error)),
      );
    });
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
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

/** A short name as the system has it; a deadline has none. */
function reasonOf(cause: unknown): string {
  const { code, cause: inner } = cause as { code?: unknown; cause?: unknown };
  return typeof code === 'string' && code !== 'ABORT_ERR' ? code : failureOf(inner ?? cause).message;
}
