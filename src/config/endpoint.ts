import type { CreateKey } from '../registry/endpoint-create.ts';
import type { Endpoint, EndpointLimits, EndpointTrust } from '../registry/endpoint.ts';
import { kindOf } from '../registry/kinds/index.ts';
import { buildAuth } from './auth.ts';
import { describeFound } from './check-section.ts';
import { hideSecrets } from './hide-secrets.ts';
import type { KeyPath } from './problems.ts';
import { parseRegistryUrl, URL_WANTED } from './registry-url.ts';
import { readPem } from './read-pem.ts';
import type { Resolution } from './resolve.ts';
import type { RegistrySection } from './schema/registry.ts';

/** How an endpoint is named, and whether its files and credentials are read. */
export interface EndpointRole {
  readonly name: string;
  readonly side: 'primary' | 'secondary';
  /** Off for the control side, which never opens a registry. */
  readonly credentials: boolean;
}

/**
 * Makes an endpoint of a checked section: reads its PEM files and credentials.
 * @returns `undefined` after noting a URL that is none
 */
export function buildEndpoint(written: RegistrySection, role: EndpointRole, path: KeyPath, resolution: Resolution): Endpoint | undefined {
  const { name, side } = role;
  const parsed = parseRegistryUrl(written.url);
  if (!parsed) {
    resolution.problems.push({ path: [...path, 'url'], found: describeFound([...path, 'url'], written.url, resolution), want: URL_WANTED });
    return undefined;
  }
  const base = {
    name,
    side,
    url: parsed.url,
    kind: written.kind,
    limits: buildLimits(written.limits),
    ...(written.trust ? { trust: buildTrust(written.trust) } : {}),
    ...(written.catalog ? { catalog: written.catalog } : {}),
    ...buildNamespaces(written, [...path, 'namespaces'], resolution),
    ...buildCreate(written, [...path, 'create'], resolution),
  };
  if (!role.credentials) return { ...base, auth: { type: 'none' } };
  if (parsed.auth && written.auth) {
    resolution.problems.push({ path: [...path, 'auth'], want: 'the URL already has a user and a password: keep one of the two' });
  }
  const auth = parsed.auth ?? buildAuth(written.auth, new URL(parsed.url).host, [...path, 'auth'], resolution);
  const tls = buildTls(written.tls, [...path, 'tls'], resolution);
  const api = buildApi(written.api, [...path, 'api', 'url'], resolution);
  return {
    ...base,
    auth: hideSecrets(auth, ['password', 'token', 'key', 'env', 'clientSecret']),
    ...(tls ? { tls } : {}),
    ...(api ? { api } : {}),
  };
}

function buildTrust({ redirects, tokens }: NonNullable<RegistrySection['trust']>): EndpointTrust {
  return { ...(redirects ? { redirects } : {}), ...(tokens ? { tokens } : {}) };
}

function buildApi(api: RegistrySection['api'], path: KeyPath, resolution: Resolution): Endpoint['api'] {
  if (!api) return undefined;
  const parsed = api.url === undefined ? undefined : parseRegistryUrl(api.url);
  if (api.url !== undefined && !parsed)
    resolution.problems.push({ path, found: describeFound(path, api.url, resolution), want: URL_WANTED });
  // It would be passed over in silence: the kind knows what its API wants, and has it from elsewhere.
  if (parsed?.auth)
    resolution.problems.push({
      path,
      want: 'a URL without user and password is needed: credentials of the API go into api.token, or into auth',
    });
  return hideSecrets({ ...(parsed ? { url: parsed.url } : {}), ...(api.token === undefined ? {} : { token: api.token }) }, ['token']);
}

function buildNamespaces(written: RegistrySection, path: KeyPath, resolution: Resolution): Pick<Endpoint, 'namespaces'> {
  if (!written.namespaces) return {};
  if (kindOf(written.kind).namespace === undefined)
    resolution.problems.push({ path, want: `kind: ${written.kind} lists its repositories without; leave it out, or give a catalog` });
  if (written.catalog) resolution.problems.push({ path, want: 'the catalog says already what there is: keep one of the two' });
  return { namespaces: written.namespaces };
}

/** A setting that the kind does not know would be passed over in silence. */
function buildCreate(written: RegistrySection, path: KeyPath, resolution: Resolution): Pick<Endpoint, 'create'> {
  if (!written.create) return {};
  const { enabled, ...settings } = written.create;
  const known = kindOf(written.kind).creates ?? [];
  for (const [key, value] of Object.entries(settings)) {
    if (value === undefined || known.includes(key as CreateKey)) continue;
    const want =
      known.length === 0
        ? `kind: ${written.kind} makes its repositories with the first push`
        : `kind: ${written.kind} knows ${known.join(', ')}`;
    resolution.problems.push({ path: [...path, key], want });
  }
  if (!enabled) return { create: false };
  const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
  return Object.keys(given).length === 0 ? {} : { create: given };
}

/** The limits as the registry room takes them. */
export function buildLimits({ transfers, requests, bytesPerSecond }: RegistrySection['limits']): EndpointLimits {
  return { transfers, requests, ...(bytesPerSecond === undefined ? {} : { bytesPerSecond }) };
}

function buildTls(tls: RegistrySection['tls'], path: KeyPath, resolution: Resolution): Endpoint['tls'] {
  if (!tls) return undefined;
  if ((tls.certFile === undefined) !== (tls.keyFile === undefined)) {
    resolution.problems.push({ path, want: 'certFile and keyFile are needed together' });
  }
  const ca = tls.caFile === undefined ? undefined : readPem(tls.caFile, [...path, 'caFile'], 'CERTIFICATE', resolution);
  const cert = tls.certFile === undefined ? undefined : readPem(tls.certFile, [...path, 'certFile'], 'CERTIFICATE', resolution);
  const key = tls.keyFile === undefined ? undefined : readPem(tls.keyFile, [...path, 'keyFile'], 'PRIVATE KEY', resolution);
  const built = { ...(ca === undefined ? {} : { ca }), ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) };
  return hideSecrets(built, ['key']);
}
