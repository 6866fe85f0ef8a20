import { checkSection } from './check-section.ts';
import { buildEndpoint } from './endpoint.ts';
import type { Reading } from './reading.ts';
import { resolveValues } from './resolve.ts';
import { canary, primary } from './schema/sites.ts';
import type { TwinportConfig } from './twinport-config.ts';

/** Reads `primary.canary`, where the process receives events; its `auth` stands in the place of the primary's, so that pulling needs no right to push. */
export function readCanary({ root, resolution, sections }: Reading): Pick<TwinportConfig, 'canary'> {
  const written: unknown = root['primary'];
  if (!sections.includes('webhook') || typeof written !== 'object' || written === null || !('canary' in written)) return {};
  const { canary: own, ...rest } = written as Record<string, unknown>;
  const section = checkSection(canary, resolveValues(own, ['primary', 'canary'], resolution), ['primary', 'canary'], resolution);
  if (!section) return {};
  const auth = typeof own === 'object' && own !== null && 'auth' in own ? { auth: own.auth } : {};
  const values = resolveValues({ ...rest, ...auth }, ['primary'], resolution);
  const checked = checkSection(primary, values, ['primary'], resolution);
  const endpoint = checked && buildEndpoint(checked, { name: checked.name, side: 'primary', credentials: true }, ['primary'], resolution);
  return endpoint ? { canary: { endpoint, repository: section.repository, everyMs: section.every } } : {};
}
