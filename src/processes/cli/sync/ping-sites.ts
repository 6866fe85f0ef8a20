import type { SiteConfig } from '../../../config/index.ts';
import { failureOf, TwinportError } from '../../../model/failure.ts';
import type { Endpoint } from '../../../registry/endpoint.ts';
import { ping } from '../../../registry/ping.ts';
import { openSession } from '../../../registry/session.ts';

/**
 * Asks all registries at once whether they answer, before anything is started.
 * @throws {TwinportError} what is wrong, with the side; UNREACHABLE also where something answers that is no registry
 */
export async function pingSites(sites: readonly SiteConfig[], signal?: AbortSignal): Promise<void> {
  const byUrl = new Map<string, Endpoint>();
  for (const site of sites) for (const endpoint of [site.primary, site.endpoint]) byUrl.set(`${endpoint.side} ${endpoint.url}`, endpoint);
  const answers = await Promise.allSettled([...byUrl.values()].map((endpoint) => pingOne(endpoint, signal)));
  const refused = answers.filter((answer) => answer.status === 'rejected').map((answer) => answer.reason as TwinportError);
  const [first, ...others] = refused;
  if (!first) return;
  throw new TwinportError(first.code, [first, ...others].map(({ message }) => message).join('; '), { cause: first });
}

async function pingOne(endpoint: Endpoint, signal: AbortSignal | undefined): Promise<void> {
  const session = openSession(endpoint);
  try {
    await ping(session, signal);
  } catch (cause) {
    const { code, message } = failureOf(cause);
    const side = endpoint.side === 'primary' ? 'the primary' : `the secondary ${endpoint.name}`;
    throw new TwinportError(
      code === 'NOT_FOUND' ? 'UNREACHABLE' : code,
      `${side} (${endpoint.url}) does not answer as a registry: ${message}`,
      { cause },
    );
  } finally {
    await session.close();
  }
}
