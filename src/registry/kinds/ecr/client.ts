import { Readable } from 'node:stream';
import type { ECRClient } from '@aws-sdk/client-ecr';
import type { ECRPUBLICClient } from '@aws-sdk/client-ecr-public';
import { fromCloud } from '../../auth/cloud-failure.ts';
import { ecrPlace } from '../../auth/ecr-place.ts';
import type { Session } from '../../session.ts';
import type { Method } from '../../transport/request.ts';

/** What AWS answers that its SDK makes an error or a result of; anything else is an error of ours. */
const ANSWERS = [200, 400, 401, 403, 404, 413];

const clients = new WeakMap<Session, { private?: Promise<ECRClient>; public?: Promise<ECRPUBLICClient> }>();

/** The part of an SDK's request that goes on the wire. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/**
 * Asks AWS about the registry, with its SDK; the requests go the way of all others (budget, metrics, TLS).
 * @param operation as AWS names it, for messages
 * @returns `undefined` where the session has no credentials of AWS
 * @throws {TwinportError} DENIED, UNAUTHORIZED, RATE_LIMITED, UNREACHABLE, …
 */
export async function askEcr<T>(session: Session, operation: string, ask: (client: ECRClient) => Promise<T>): Promise<T | undefined> {
  const open = clientsOf(session);
  if (!open) return undefined;
  open.private ??= openPrivate(session);
  const client = open.private;
  return fromCloud(session, `ECR's ${operation}`, async () => ask(await client));
}

/** The same of ECR Public. */
export async function askEcrPublic<T>(
  session: Session,
  operation: string,
  ask: (client: ECRPUBLICClient) => Promise<T>,
): Promise<T | undefined> {
  const open = clientsOf(session);
  if (!open) return undefined;
  open.public ??= openPublic(session);
  const client = open.public;
  return fromCloud(session, `ECR Public's ${operation}`, async () => ask(await client));
}

/** Says whether an error is, or was made of, the named one of the SDK's. */
function isProblem(thrown: unknown, name: string): boolean {
  if (typeof thrown !== 'object' || thrown === null) return false;
  return ('name' in thrown && thrown.name === name) || ('cause' in thrown && isProblem(thrown.cause, name));
}

/** The result of a call, or `undefined` after one of these problems. */
export async function unless<T>(names: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (thrown) {
    if (names.some((name) => isProblem(thrown, name))) return undefined;
    throw thrown;
  }
}

function clientsOf(session: Session): { private?: Promise<ECRClient>; public?: Promise<ECRPUBLICClient> } | undefined {
  if (session.endpoint.auth.type !== 'ecr') return undefined;
  const known = clients.get(session) ?? {};
  clients.set(session, known);
  return known;
}

async function openPrivate(session: Session): Promise<ECRClient> {
  const sdk = await import('@aws-sdk/client-ecr');
  return new sdk.ECRClient(optionsOf(session));
}

async function openPublic(session: Session): Promise<ECRPUBLICClient> {
  const sdk = await import('@aws-sdk/client-ecr-public');
  return new sdk.ECRPUBLICClient(optionsOf(session));
}

function optionsOf(session: Session) {
  const { auth, api } = session.endpoint;
  const { region, fips } = ecrPlace(session.endpoint);
  return {
    ...(region === undefined ? {} : { region }),
    ...(auth.type === 'ecr' && auth.profile !== undefined ? { profile: auth.profile } : {}),
    ...(api?.url === undefined ? {} : { endpoint: api.url }),
    useFipsEndpoint: fips,
    requestHandler: {
      handle: (request: SdkRequest, options?: { abortSignal?: unknown }) => handle(session, request, options?.abortSignal),
    },
  };
}

async function handle(session: Session, request: SdkRequest, signal: unknown) {
  const { authorization, host: _, 'content-length': __, ...headers } = request.headers;
  const response = await session.call({
    method: request.method as Method,
    base: `${request.protocol}//${request.hostname}${request.port === undefined ? '' : `:${request.port}`}`,
    path: request.path,
    headers,
    authorization,
    ...(request.body === undefined ? {} : { body: bytesOf(request.body) }),
    signal: signal as AbortSignal | undefined,
    accept: ANSWERS,
  });
  const names = ['content-type', 'x-amzn-errortype', 'x-amzn-requestid', 'date'];
  const answered = Object.fromEntries(
    names.flatMap((name) => (response.header(name) === undefined ? [] : [[name, response.header(name) ?? '']])),
  );
  return { response: { statusCode: response.status, headers: answered, body: Readable.from([response.bytes]) } };
}

/** The SDK's bytes pretend to be a text, and warn who takes them for one. */
function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
