import { freePort } from '../../src/processes/embedded/free-port.ts';
import type { EmbeddedRegistry, RegistryOptions } from '../../src/processes/embedded/registry.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { eventually } from '../support/eventually.ts';
import { runFile, startTwinport, workFolder } from '../support/twinport.ts';
import { SECRET, systemApi, type SystemApi } from './api.ts';

/** A running `twinport up` between two real registries behind proxies. */
export interface WireSystem extends SystemApi {
  readonly primary: EmbeddedRegistry;
  readonly secondary: EmbeddedRegistry;
  readonly source: QuirkProxy;
  readonly target: QuirkProxy;
  readonly output: () => string;
  /** What the latest scan could not do, by repository. */
  scanFailures(): Promise<Map<string, string>>;
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
  const { token } = await runFile(folder);
  const registries = { primary: primary.url, secondary: secondary.url, authorization: options.authorization };
  const api = systemApi({ url: `http://127.0.0.1:${port}`, token, site: 'eu', ...registries });
  await eventually(api.status, ({ ready }) => ready === true, 60_000, 200);
  return {
    ...api,
    ...{ primary, secondary, source, target },
    output: up.output,
    async deliver(repository, tag, digest) {
      // As a registry does: what was not taken is sent again.
      const answered = await eventually(
        () => api.send(repository, tag, digest),
        (status) => status !== 503,
        60_000,
        1_000,
      );
      if (answered !== 202) throw new Error(`an event was answered with ${answered}`);
    },
    async scanFailures() {
      const response = await fetch(`${api.url}/api/v1/sites/eu/backfill`);
      const { failures = [] } = (await response.json()) as { failures?: { repository: string; failure: { message: string } }[] };
      return new Map(failures.map(({ repository, failure }) => [repository, failure.message]));
    },
  };
}
