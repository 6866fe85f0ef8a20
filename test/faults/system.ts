import { freePort } from '../../src/processes/embedded/free-port.ts';
import type { EmbeddedRegistry, RegistryOptions } from '../../src/processes/embedded/registry.ts';
import { verifiedClaims, watchFault, type FaultWatch } from '../support/fault-table.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually, runFile, startTwinport, workFolder } from '../support/twinport.ts';

const SECRET = 'abcDEF123';

/** An image as the API tells of it. */
export interface SeenImage {
  readonly digest: string | null;
  readonly sync: string;
  readonly verification: string;
  readonly reason: string | null;
  readonly attempts: number;
}

/** A running `twinport up` between two real registries behind proxies. */
export interface WireSystem {
  readonly primary: EmbeddedRegistry;
  readonly secondary: EmbeddedRegistry;
  readonly source: QuirkProxy;
  readonly target: QuirkProxy;
  readonly output: () => string;
  deliver(repository: string, tag: string, digest: string): Promise<void>;
  image(repository: string, tag: string): Promise<SeenImage | undefined>;
  /** Waits until an image is seen so. */
  until(repository: string, tag: string, good: (image: SeenImage) => boolean, ms?: number): Promise<SeenImage>;
  verified(repository: string, tag: string, digest: string, ms?: number): Promise<SeenImage>;
  /** Asks for a scan now, as the Schedule does. */
  scan(): Promise<void>;
  status(): Promise<Record<string, unknown>>;
  /** What the latest scan could not do, by repository. */
  scanFailures(): Promise<Map<string, string>>;
  watch(repositories: string[]): FaultWatch;
}

export interface WireOptions {
  /** How Twinport comes in at the primary, as the configuration has it. */
  readonly auth?: string;
  /** How the independent reading comes in there. */
  readonly authorization?: () => string;
  /** Of Twinport's process. */
  readonly env?: Record<string, string>;
}

/** Starts one, to be used by a whole test, and waits until it is ready. */
export async function wireSystem(primaryIs: RegistryOptions, secondaryIs: RegistryOptions, options: WireOptions = {}): Promise<WireSystem> {
  const [primary, secondary, port] = await Promise.all([testRegistry(primaryIs), testRegistry(secondaryIs), freePort()]);
  const [source, target] = await Promise.all([quirkProxy(primary.url), quirkProxy(secondary.url)]);
  const folder = await workFolder(`
webhook: { listen: '127.0.0.1:${port}', secret: ${SECRET} }
primary: { url: '${source.url}'${options.auth === undefined ? '' : `, auth: ${options.auth}`} }
secondaries: [{ name: eu, url: '${target.url}', backfill: { every: 60s } }]
`);
  const up = startTwinport(['up'], folder, options.env);
  await up.waitFor(/Dashboard: /);
  const api = `http://127.0.0.1:${port}`;
  const { token } = await runFile(folder);
  const status = async (): Promise<Record<string, unknown>> =>
    (await (await fetch(`${api}/api/v1/sites/eu`)).json()) as Record<string, unknown>;
  await eventually(status, ({ ready }) => ready === true, 60_000, 200);
  const image = async (repository: string, tag: string): Promise<SeenImage | undefined> => {
    const response = await fetch(`${api}/api/v1/sites/eu/images/${repository}:${tag}`);
    const body = (await response.json()) as SeenImage;
    return response.status === 200 ? body : undefined;
  };
  const until: WireSystem['until'] = async (repository, tag, good, ms = 60_000) => {
    const seen = await eventually(
      () => image(repository, tag),
      (one) => one !== undefined && good(one),
      ms,
      100,
    );
    return seen!;
  };
  return {
    ...{ primary, secondary, source, target, image, until, status },
    output: up.output,
    verified: (repository, tag, digest, ms) =>
      until(repository, tag, (one) => one.digest === digest && one.verification === 'succeeded', ms),
    async deliver(repository, tag, digest) {
      const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', repository, tag, digest };
      const send = (): Promise<Response> =>
        fetch(`${api}/events/distribution`, {
          method: 'POST',
          headers: { authorization: SECRET, 'content-type': 'application/vnd.docker.distribution.events.v2+json' },
          body: JSON.stringify({ events: [{ id: `${repository}:${tag}@${digest}`, action: 'push', target }] }),
        });
      // As a registry does: what was not taken is sent again.
      const response = await eventually(send, ({ status }) => status !== 503, 60_000, 1_000);
      if (response.status !== 202) throw new Error(`an event was answered with ${response.status}: ${await response.text()}`);
    },
    async scan() {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
      const response = await fetch(`${api}/api/v1/sites/eu/backfill/start`, { method: 'POST', headers, body: '{}' });
      if (response.status !== 202) throw new Error(`a scan was answered with ${response.status}: ${await response.text()}`);
    },
    async scanFailures() {
      const response = await fetch(`${api}/api/v1/sites/eu/backfill`);
      const { failures = [] } = (await response.json()) as { failures?: { repository: string; failure: { message: string } }[] };
      return new Map(failures.map(({ repository, failure }) => [repository, failure.message]));
    },
    watch: (repositories) =>
      watchFault({
        ...{ primary: primary.url, secondary: secondary.url },
        options: {
          repositories,
          // Credentials may change under a fault.
          get authorization() {
            return options.authorization?.();
          },
        },
        claims: () => verifiedClaims(api, 'eu', repositories),
      }),
  };
}
