import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import type { BasicAuth, BearerAuth, DockerHelperAuth, IdentityTokenAuth } from '../registry/endpoint.ts';
import { environment } from './environment.ts';
import { formatPath, type KeyPath } from './problems.ts';
import type { Resolution } from './resolve.ts';

/** What Docker's configuration can say of a host. */
export type DockerAuth = BasicAuth | BearerAuth | IdentityTokenAuth | DockerHelperAuth;

const entry = z.object({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
  registrytoken: z.string().optional(),
});
const dockerConfig = z.object({
  auths: z.record(z.string(), entry).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});
type DockerConfig = z.output<typeof dockerConfig>;
type Entry = z.output<typeof entry>;

/** The key of Docker Hub, whatever its host is called. */
const HUB_KEY = 'https://index.docker.io/v1/';
const HUB = 'docker.io';
const HELPER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * What Docker's configuration file says of a host: a helper of its own, else the helper for all, else its entry of `auths`.
 * @param path of `config.json` or its folder; absent: where the Docker client looks
 * @returns `undefined` if the file, or credentials for the host, are not there
 */
export function dockerCredentials(host: string, path: string | undefined, at: KeyPath, resolution: Resolution): DockerAuth | undefined {
  const file = configFile(path, resolution);
  if (!existsSync(file)) return undefined;
  const config = readDockerConfig(file, at, resolution);
  if (config === undefined) return undefined;
  const helper = find(config.credHelpers, host) ?? config.credsStore;
  if (helper === undefined || helper === '') return credentialsOf(find(config.auths, host));
  if (HELPER.test(helper)) return { type: 'docker-helper', helper, serverUrl: keyOf(host), env: resolution.env, file };
  resolution.problems.push({ path: at, found: file, want: "a credential helper's name has letters, digits, '.', '_' and '-' alone" });
  return undefined;
}

/** Where Docker's configuration is looked for. */
export function configFile(path: string | undefined, { env, folder }: Resolution): string {
  const chosen = path === undefined ? environment(env).dockerConfig : resolve(folder, path);
  return existsSync(chosen) && statSync(chosen).isFile() ? chosen : join(chosen, 'config.json');
}

function readDockerConfig(file: string, at: KeyPath, resolution: Resolution): DockerConfig | undefined {
  const note = (want: string) => void resolution.problems.push({ path: at, found: file, want: `Docker's configuration must be ${want}` });
  let text: unknown;
  try {
    text = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    note(`readable JSON: ${error instanceof SyntaxError ? 'it is not JSON' : String((error as NodeJS.ErrnoException).code)}`);
    return undefined;
  }
  const read = dockerConfig.safeParse(text);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  note(`of the form that Docker writes: its ${formatPath(issue?.path ?? []) || 'root'} is not`);
  return undefined;
}

function credentialsOf(entry: Entry | undefined): DockerAuth | undefined {
  if (entry?.registrytoken) return { type: 'bearer', token: entry.registrytoken };
  const login = loginOf(entry);
  if (entry?.identitytoken) {
    const username = login?.username;
    return { type: 'identity-token', token: entry.identitytoken, ...(username === undefined ? {} : { username }) };
  }
  return login?.password === '' ? undefined : login;
}

function loginOf(entry: Entry | undefined): BasicAuth | undefined {
  if (entry?.username && entry.password) return { type: 'basic', username: entry.username, password: entry.password };
  const decoded = Buffer.from(entry?.auth ?? '', 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon <= 0) return undefined;
  return { type: 'basic', username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

/** The value whose key means this host: the key that is written shortest, since a longer one may be for a part of the host alone. */
function find<T>(table: Readonly<Record<string, T>> | undefined, host: string): T | undefined {
  const fitting = Object.entries(table ?? {}).filter(([key]) => hostOfKey(key) === hostOfKey(host));
  fitting.sort(([a], [b]) => pathOfKey(a).length - pathOfKey(b).length);
  return fitting[0]?.[1];
}

/** What helpers and entries call a host. */
function keyOf(host: string): string {
  return hostOfKey(host) === HUB ? HUB_KEY : host;
}

/** Keys are written as `host`, `https://host`, `https://host/v1/` or `host/path`; Docker Hub has several names. */
function hostOfKey(key: string): string {
  const host = withoutScheme(key)
    .replace(/\/.*$/, '')
    .replace(/:(?:443|80)$/, '');
  return ['index.docker.io', 'registry-1.docker.io', 'registry.docker.io'].includes(host) ? HUB : host;
}

/** Empty for what Docker itself writes after a host. */
function pathOfKey(key: string): string {
  return withoutScheme(key)
    .replace(/^[^/]*/, '')
    .replace(/^\/(?:v[12]\/?)?$/, '');
}

function withoutScheme(key: string): string {
  return key.toLowerCase().replace(/^https?:\/\//, '');
}
