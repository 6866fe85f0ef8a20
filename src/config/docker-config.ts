import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { BasicAuth } from '../registry/endpoint.ts';
import { environment } from './environment.ts';
import type { KeyPath } from './problems.ts';
import type { Resolution } from './resolve.ts';

interface Entry {
  auth?: unknown;
  username?: unknown;
  password?: unknown;
  identitytoken?: unknown;
}

/**
 * What Docker's configuration file says of a host; entries of `auths` only, no credential helpers.
 * @param path of `config.json` or its folder; absent: where the Docker client looks
 * @returns `undefined` if the file, or an entry with credentials, is not there
 */
export function dockerCredentials(host: string, path: string | undefined, at: KeyPath, resolution: Resolution): BasicAuth | undefined {
  const file = configFile(path, resolution);
  if (!existsSync(file)) return undefined;
  const note = (want: string) => void resolution.problems.push({ path: at, found: file, want });
  let auths: Record<string, Entry>;
  try {
    auths = (JSON.parse(readFileSync(file, 'utf8')) as { auths?: Record<string, Entry> }).auths ?? {};
  } catch (error) {
    note(
      `Docker's configuration must be readable JSON: ${error instanceof SyntaxError ? 'it is not JSON' : String((error as NodeJS.ErrnoException).code)}`,
    );
    return undefined;
  }
  const entry = Object.entries(auths).find(([name]) => normal(name) === normal(host))?.[1];
  if (entry === undefined) return undefined;
  const credentials = credentialsOf(entry);
  if (credentials === undefined && typeof entry.identitytoken === 'string') {
    note(`its entry for ${host} is an identity token, which this version cannot use: configure auth: { type: basic, … }`);
  }
  return credentials;
}

/** Where Docker's configuration is looked for. */
export function configFile(path: string | undefined, { env, folder }: Resolution): string {
  const chosen = path === undefined ? environment(env).dockerConfig : resolve(folder, path);
  return existsSync(chosen) && statSync(chosen).isFile() ? chosen : join(chosen, 'config.json');
}

function credentialsOf(entry: Entry): BasicAuth | undefined {
  if (typeof entry.username === 'string' && typeof entry.password === 'string') {
    return { type: 'basic', username: entry.username, password: entry.password };
  }
  if (typeof entry.auth !== 'string' || entry.auth === '') return undefined;
  const decoded = Buffer.from(entry.auth, 'base64').toString();
  const colon = decoded.indexOf(':');
  if (colon <= 0) return undefined;
  return { type: 'basic', username: decoded.slice(0, colon), password: decoded.slice(colon + 1).replace(/\0+$/, '') };
}

/** Entries are written as `host`, `https://host` or `https://host/v1/`; Docker Hub has several names. */
function normal(name: string): string {
  const host = name
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/\/.*$/, '')
    .replace(/:(?:443|80)$/, '');
  return ['index.docker.io', 'registry-1.docker.io', 'registry.docker.io'].includes(host) ? 'docker.io' : host;
}
