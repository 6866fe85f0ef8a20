import { setTimeout as sleep } from 'node:timers/promises';
import { verifiedClaims, watchFault, type FaultWatch } from '../support/fault-table.ts';
import { eventually } from '../support/eventually.ts';

export const SECRET = 'abcDEF123';
const STILL_MS = 120_000;

/** An image as the API tells of it. */
export interface SeenImage {
  readonly digest: string | null;
  readonly sync: string;
  readonly verification: string;
  readonly reason: string | null;
  readonly attempts: number;
}

/** What tests ask a running system from outside. */
export interface SystemApi {
  readonly url: string;
  /** Tells of a push, once. @returns the answer's status */
  send(repository: string, tag: string, digest: string): Promise<number>;
  /** Tells of a push, which must be taken. */
  deliver(repository: string, tag: string, digest: string): Promise<void>;
  image(repository: string, tag: string): Promise<SeenImage | undefined>;
  /** Waits until an image is seen so. */
  until(repository: string, tag: string, good: (image: SeenImage) => boolean, ms?: number): Promise<SeenImage>;
  verified(repository: string, tag: string, digest: string, ms?: number): Promise<SeenImage>;
  /** Asks for something that is done with the whole site. */
  act(action: 'pause' | 'resume' | 'backfill/start' | 'limits' | 'limits/reset', body?: object): Promise<void>;
  /** Asks for a scan now, as the Schedule does. */
  scan(): Promise<void>;
  /** Has a scan done, from its beginning to its end, for as long as it gets anywhere. */
  scanned(): Promise<void>;
  status(): Promise<Record<string, unknown>>;
  /** @param everyMs as of `watchFault`: to read much leaves little for what is watched */
  watch(repositories: string[], everyMs?: number): FaultWatch;
}

export interface ApiOptions {
  readonly url: string;
  readonly token: string;
  readonly site: string;
  /** The registries themselves, without the proxies that injure them. */
  readonly primary: string;
  readonly secondary: string;
  /** How the independent reading comes in at the primary; credentials may change under a fault. */
  readonly authorization?: (() => string) | undefined;
}

/** The API and the webhook of a running system. */
export function systemApi({ url, token, site, primary, secondary, authorization }: ApiOptions): SystemApi {
  const status = async (): Promise<Record<string, unknown>> =>
    (await (await fetch(`${url}/api/v1/sites/${site}`)).json()) as Record<string, unknown>;
  const image: SystemApi['image'] = async (repository, tag) => {
    const response = await fetch(`${url}/api/v1/sites/${site}/images/${repository}:${tag}`);
    const body = (await response.json()) as SeenImage;
    return response.status === 200 ? body : undefined;
  };
  const until: SystemApi['until'] = async (repository, tag, good, ms = 60_000) => {
    const seen = await eventually(
      () => image(repository, tag).catch(() => undefined),
      (one) => one !== undefined && good(one),
      ms,
      100,
    );
    return seen!;
  };
  const send: SystemApi['send'] = async (repository, tag, digest) => {
    const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', repository, tag, digest };
    const response = await fetch(`${url}/events/distribution`, {
      method: 'POST',
      headers: { authorization: SECRET, 'content-type': 'application/vnd.docker.distribution.events.v2+json' },
      body: JSON.stringify({ events: [{ id: `${repository}:${tag}@${digest}`, action: 'push', target }] }),
    });
    await response.arrayBuffer();
    return response.status;
  };
  const act: SystemApi['act'] = async (action, body = {}) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const response = await fetch(`${url}/api/v1/sites/${site}/${action}`, { method: 'POST', headers, body: JSON.stringify(body) });
    if (response.status !== 202) throw new Error(`${action} was answered with ${response.status}: ${await response.text()}`);
  };
  const scan = (): Promise<void> => act('backfill/start');
  return {
    ...{ url, image, until, status, send, act, scan },
    verified: (repository, tag, digest, ms) =>
      until(repository, tag, (one) => one.digest === digest && one.verification === 'succeeded', ms),
    async deliver(repository, tag, digest) {
      const answered = await send(repository, tag, digest);
      if (answered !== 202) throw new Error(`an event was answered with ${answered}`);
    },
    async scanned() {
      await scan();
      const run = async (): Promise<{ status: string }> =>
        (await fetch(`${url}/api/v1/sites/${site}/backfill`)).json() as Promise<{ status: string }>;
      let [movedAt, verified] = [Date.now(), -1];
      while ((await run()).status !== 'COMPLETED') {
        const { verified: now } = await status();
        if (now !== verified) [movedAt, verified] = [Date.now(), Number(now)];
        if (Date.now() - movedAt > STILL_MS) throw new Error(`a scan stood still for ${STILL_MS / 1000} s, at ${verified} images verified`);
        await sleep(200);
      }
    },
    watch: (repositories, everyMs) =>
      watchFault({
        ...{ primary, secondary, ...(everyMs === undefined ? {} : { everyMs }) },
        options: {
          repositories,
          get authorization() {
            return authorization?.();
          },
        },
        claims: () => verifiedClaims(url, site, repositories),
      }),
  };
}
