import type { CreateKey } from '../registry/endpoint-create.ts';
import type { AuthOptions, Endpoint, EndpointLimits } from '../registry/endpoint.ts';
import { kindOf } from '../registry/kinds/index.ts';
import { describeFound } from './check-section.ts';
import { configFile, dockerCredentials } from './docker-config.ts';
import { hideSecrets } from './hide-secrets.ts';
import type { KeyPath } from './problems.ts';
import { parseRegistryUrl, URL_WANTED } from './registry-url.ts';
import { readText, type Resolution } from './resolve.ts';
import type { AuthSection, RegistrySection } from './schema/registry.ts';

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
  return { ...base, auth: hideSecrets(auth, ['password', 'token', 'key', 'env']), ...(tls ? { tls } : {}), ...(api ? { api } : {}) };
}

function buildApi(api: RegistrySection['api'], path: KeyPath, resolution: Resolution): Endpoint['api'] {
  if (!api) return undefined;
  const parsed = api.url === undefined ? undefined : parseRegistryUrl(api.url);
  if (api.url !== undefined && !parsed)
    resolution.problems.push({ path, found: describeFound(path, api.url, resolution), want: URL_WANTED });
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

function buildAuth(auth: AuthSection | undefined, host: string, path: KeyPath, resolution: Resolution): AuthOptions {
  switch (auth?.type) {
    case undefined:
      return dockerCredentials(host, undefined, path, resolution) ?? { type: 'none' };
    case 'docker-config':
      return dockerConfigAuth(auth.path, host, path, resolution);
    case 'token-key':
      return tokenKeyAuth(auth, path, resolution);
    case 'none':
      return { type: 'none' };
    case 'basic':
    case 'bearer':
      return { ...auth };
  }
}

function dockerConfigAuth(file: string | undefined, host: string, path: KeyPath, resolution: Resolution): AuthOptions {
  const before = resolution.problems.length;
  const found = dockerCredentials(host, file, path, resolution);
  if (!found && resolution.problems.length === before) {
    const want = `an entry with credentials for ${host} or a credential helper is needed in ${configFile(file, resolution)}, as \`docker login\` writes it`;
    resolution.problems.push({ path, want });
  }
  return found ?? { type: 'none' };
}

function tokenKeyAuth(auth: Extract<AuthSection, { type: 'token-key' }>, path: KeyPath, resolution: Resolution): AuthOptions {
  if ((auth.key === undefined) === (auth.keyFile === undefined)) {
    resolution.problems.push({ path: [...path, 'keyFile'], want: 'the private key is needed, as either keyFile: PATH or key: ${NAME}' });
  }
  const key = auth.key ?? (auth.keyFile === undefined ? undefined : readPem(auth.keyFile, [...path, 'keyFile'], 'PRIVATE KEY', resolution));
  const certificate =
    auth.certificateFile === undefined ? undefined : readPem(auth.certificateFile, [...path, 'certificateFile'], 'CERTIFICATE', resolution);
  return {
    type: 'token-key',
    key: key ?? '',
    issuer: auth.issuer,
    service: auth.service,
    ...(certificate === undefined ? {} : { certificate }),
    ...(auth.ttlSeconds === undefined ? {} : { ttlSeconds: auth.ttlSeconds }),
    ...(auth.kid === undefined ? {} : { kid: auth.kid }),
  };
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

/** Reads a PEM file and sees that it holds the right kind of block: a certificate in the key's place is told here, not by a handshake. */
export function readPem(file: string, path: KeyPath, label: 'CERTIFICATE' | 'PRIVATE KEY', resolution: Resolution): string | undefined {
  const text = readText(file, path, resolution);
  if (text === undefined || new RegExp(`-----BEGIN [A-Z ]*${label}-----`).test(text)) return text;
  resolution.problems.push({ path, found: JSON.stringify(file), want: `a PEM file with a block BEGIN ${label} is needed` });
  return undefined;
}
