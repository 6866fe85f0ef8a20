import { TwinportError, type FailureCode } from '../src/model/failure.ts';
import { ask } from './dialogs.ts';

const API = '/api/v1';

/** Reads from the API. @throws {TwinportError} as the API's error says; UNREACHABLE where nothing answers */
export function read<T>(path: string): Promise<T> {
  return request<T>('GET', path);
}

/** Acts by the API; who has not signed in is asked for the token once. @throws {TwinportError} as the API's error says */
export function act<T>(path: string, body: object = {}): Promise<T> {
  return request<T>('POST', path, body);
}

async function request<T>(method: string, path: string, body?: object): Promise<T> {
  const send = (): Promise<Response> => sent(method, `${API}${path}`, body);
  let answer = await send();
  // Who has called it off is not asked by each reading anew.
  const mayAsk = method !== 'GET' || !declined;
  if (answer.status === 401 && mayAsk && (await signIn(method === 'GET' ? 'Reading here' : 'This action'))) answer = await send();
  if (answer.ok) return (await answer.json()) as T;
  throw await failureIn(answer);
}

async function sent(method: string, path: string, body?: object): Promise<Response> {
  // The header tells the starter that our page asks, not a form elsewhere.
  const headers = { 'x-twinport-action': '1', ...(body && { 'content-type': 'application/json' }) };
  try {
    return await fetch(path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
  } catch (cause) {
    throw new TwinportError('UNREACHABLE', 'Twinport’s starter does not answer', { cause });
  }
}

async function failureIn(answer: Response): Promise<TwinportError> {
  const { error } = (await answer.json().catch(() => ({}))) as { error?: { code: FailureCode; message: string } };
  return new TwinportError(error?.code ?? 'PROTOCOL', error?.message ?? `the starter answered ${answer.status}`);
}

let signingIn: Promise<boolean> | undefined;
let declined = false;

/** Asks for the token, once for all who need it. @returns whether there is a session now */
export function signIn(what: string): Promise<boolean> {
  signingIn ??= ask({
    title: 'Sign in',
    text: [
      `${what} needs the token: the configured control.token, or the one in run.json in the data directory.`,
      'It is kept as a session of 12 hours, in a cookie that no script can read.',
    ],
    fields: [{ label: 'Token', type: 'password', required: true }],
    verb: 'Sign in',
    async submit([token = '']) {
      const answer = await sent('POST', '/login', { token });
      return answer.ok ? undefined : (await failureIn(answer)).message;
    },
  })
    .then((values) => {
      declined = values === undefined;
      return !declined;
    })
    .finally(() => (signingIn = undefined));
  return signingIn;
}
