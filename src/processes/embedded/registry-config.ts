import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';

/** CNCF Distribution's two families: 2.8 (`docker-registry`) and 3 (`registry`). */
export type RegistryVersion = 2 | 3;

/** Whom the registry tells of pushes and deletes; GitLab's own settings for Geo, whose name this is. */
export interface RegistryNotifications {
  readonly url: string;
  /** Sent as the whole `Authorization` header. */
  readonly secret: string;
  /** `geo_event` if absent. */
  readonly name?: string;
  /** How long one delivery may take, and how long the registry waits after `threshold` (5) failures; Go durations, `500ms` and `1s` if absent. */
  readonly timeout?: string;
  readonly backoff?: string;
  readonly threshold?: number;
  /** Also deliver pulls and blob pushes, which we recommend to leave out. */
  readonly noise?: boolean;
}

/** Who may come in. */
export type RegistryAuth =
  | {
      readonly type: 'token';
      readonly realm: string;
      readonly service: string;
      readonly issuer: string;
      /** PEM; what signs tokens. */
      readonly certificate: string;
    }
  | {
      readonly type: 'htpasswd';
      /** Lines `user:bcrypt-hash`; Distribution takes no other hashes. */
      readonly users: readonly string[];
    };

/** What a registry is to be. */
export interface RegistrySettings {
  readonly version: RegistryVersion;
  readonly notifications?: RegistryNotifications;
  readonly auth?: RegistryAuth;
  /** Deletes are allowed unless this is false. */
  readonly deletes?: boolean;
  /** Answer for blobs from memory, as most production registries do: even for blobs whose bytes are gone. */
  readonly descriptorCache?: boolean;
  readonly readOnly?: boolean;
  /** More of the registry's own configuration, merged over ours. */
  readonly extra?: Readonly<Record<string, unknown>>;
}

type Section = Record<string, unknown>;

/**
 * Writes the registry's configuration file, and the files that it names, into `folder`.
 * @returns the file's path
 */
export async function writeRegistryConfig(settings: RegistrySettings, folder: string, port: number): Promise<string> {
  const auth = await authSection(settings.auth, folder);
  const config: Section = {
    version: 0.1,
    log: { level: 'warn', accesslog: { disabled: true } },
    storage: storageSection(settings, folder),
    http: { addr: `127.0.0.1:${port}`, secret: 'fixed' },
    ...(settings.version === 2 ? { compatibility: { schema1: { enabled: true } } } : {}),
    validation: validationSection(settings.version),
    ...(settings.notifications ? { notifications: notificationsSection(settings.notifications) } : {}),
    ...(auth ? { auth } : {}),
  };
  const file = join(folder, 'config.yml');
  await writeFile(file, stringify(merge(config, settings.extra ?? {})), { mode: 0o600 });
  return file;
}

function storageSection(settings: RegistrySettings, folder: string): Section {
  return {
    filesystem: { rootdirectory: join(folder, 'data') },
    delete: { enabled: settings.deletes ?? true },
    ...(settings.descriptorCache === true ? { cache: { blobdescriptor: 'inmemory' } } : {}),
    ...(settings.readOnly === true ? { maintenance: { readonly: { enabled: true } } } : {}),
  };
}

/** Foreign layers are taken by neither version unless their URLs are allowed, and BuildKit's cache indexes by version 3 only without its test of platforms. */
function validationSection(version: RegistryVersion): Section {
  const urls = { allow: ['^https?://'] };
  return { manifests: version === 3 ? { urls, indexes: { platforms: 'none' } } : { urls } };
}

function notificationsSection(to: RegistryNotifications): Section {
  const quiet = { ignoredmediatypes: ['application/octet-stream'], ignore: { actions: ['pull'] } };
  const endpoint = {
    name: to.name ?? 'geo_event',
    url: to.url,
    headers: { Authorization: [to.secret] },
    timeout: to.timeout ?? '500ms',
    threshold: to.threshold ?? 5,
    backoff: to.backoff ?? '1s',
    ...(to.noise === true ? {} : quiet),
  };
  return { events: { includereferences: true }, endpoints: [endpoint] };
}

async function authSection(auth: RegistryAuth | undefined, folder: string): Promise<Section | undefined> {
  if (!auth) return undefined;
  if (auth.type === 'htpasswd') {
    const path = join(folder, 'htpasswd');
    await writeFile(path, `${auth.users.join('\n')}\n`, { mode: 0o600 });
    return { htpasswd: { realm: 'twinport', path } };
  }
  const rootcertbundle = join(folder, 'bundle.pem');
  await writeFile(rootcertbundle, auth.certificate);
  return { token: { realm: auth.realm, service: auth.service, issuer: auth.issuer, rootcertbundle } };
}

/** Objects are merged key by key, all else is replaced. */
function merge(base: Section, over: Readonly<Section>): Section {
  const merged: Section = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    merged[key] = isSection(old) && isSection(value) ? merge(old, value) : value;
  }
  return merged;
}

function isSection(value: unknown): value is Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
