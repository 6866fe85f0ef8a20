import type { Endpoint } from '../registry/endpoint.ts';
import { checkSection } from './check-section.ts';
import { buildEndpoint } from './endpoint.ts';
import { describeValue, type KeyPath } from './problems.ts';
import { needsRegistries, type Reading } from './reading.ts';
import { resolveValues, type Resolution } from './resolve.ts';
import { primary, secondary, siteName } from './schema/sites.ts';
import { buildSite } from './site.ts';
import type { SiteConfig, TwinportConfig } from './twinport-config.ts';

/** Reads the primary and the secondaries that were asked for. */
export function readRegistries(reading: Reading): Pick<TwinportConfig, 'primary' | 'secondaries'> {
  const { sections } = reading;
  if (!sections.some(needsRegistries)) return { secondaries: [] };
  const credentials = !sections.includes('policies');
  const from = readPrimary(reading, credentials);
  if (!sections.some((section) => needsRegistries(section) && section !== 'primary'))
    return { ...(from ? { primary: from } : {}), secondaries: [] };
  return { ...(from ? { primary: from } : {}), secondaries: readSecondaries(reading, from, credentials) };
}

function readPrimary({ root, resolution }: Reading, credentials: boolean): Endpoint | undefined {
  const written = checkSection(
    primary,
    resolveValues(withoutCanary(withoutSecrets(root['primary'], credentials)), ['primary'], resolution),
    ['primary'],
    resolution,
  );
  return written && buildEndpoint(written, { name: written.name, side: 'primary', credentials }, ['primary'], resolution);
}

function readSecondaries(reading: Reading, from: Endpoint | undefined, credentials: boolean): SiteConfig[] {
  const { root, resolution, sections } = reading;
  const list: unknown = root['secondaries'];
  if (!Array.isArray(list) || list.length === 0) {
    resolution.problems.push({ path: ['secondaries'], found: describeValue(list), want: 'a list of at least one secondary is needed' });
    return [];
  }
  const names = namesOf(list, resolution);
  const wanted = sections.flatMap((section) => (typeof section === 'object' ? [section.site] : []));
  for (const name of wanted.filter((site) => !names.includes(site))) {
    resolution.problems.push({ path: ['secondaries'], want: `there is no site ${JSON.stringify(name)}; there is ${names.join(', ')}` });
  }
  return list.flatMap((entry: unknown, at) => {
    if (wanted.length > 0 && !wanted.includes(names[at] ?? '')) return [];
    const path: KeyPath = ['secondaries', at];
    const written = checkSection(secondary, resolveValues(withoutSecrets(entry, credentials), path, resolution), path, resolution);
    const site = written && from && buildSite(written, from, { credentials }, path, resolution);
    return site ? [site] : [];
  });
}

/** The names of all secondaries, which must differ even where only one of them is used. */
function namesOf(list: readonly unknown[], resolution: Resolution): (string | undefined)[] {
  const seen = new Map<string, number>();
  return list.map((entry, at) => {
    const path: KeyPath = ['secondaries', at, 'name'];
    const written: unknown = typeof entry === 'object' && entry !== null ? (entry as { name?: unknown }).name : undefined;
    const quiet: Resolution = { ...resolution, problems: [] };
    const name = checkSection(siteName, resolveValues(written, path, quiet), path, quiet);
    const first = name === undefined ? undefined : seen.get(name);
    if (first !== undefined)
      resolution.problems.push({
        path,
        found: JSON.stringify(name),
        want: `a name of its own is needed; secondaries[${first}] has this one`,
      });
    if (name !== undefined) seen.set(name, first ?? at);
    return name;
  });
}

/** The control side opens no registry, so that no variable of `auth`, `tls`, `api` has to be set there. */
function withoutSecrets(entry: unknown, credentials: boolean): unknown {
  if (credentials || typeof entry !== 'object' || entry === null) return entry;
  return Object.fromEntries(Object.entries(entry).filter(([key]) => !['auth', 'tls', 'api'].includes(key)));
}

/** Its credentials are of whoever receives events, and no worker has them. */
function withoutCanary(entry: unknown): unknown {
  if (typeof entry !== 'object' || entry === null) return entry;
  return Object.fromEntries(Object.entries(entry).filter(([key]) => key !== 'canary'));
}
