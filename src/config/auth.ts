import { resolve } from 'node:path';
import type { AuthOptions } from '../registry/endpoint.ts';
import { configFile, dockerCredentials } from './docker-config.ts';
import type { KeyPath } from './problems.ts';
import { readPem } from './read-pem.ts';
import { readText, type Resolution } from './resolve.ts';
import type { AuthSection } from './schema/auth.ts';

/** The credentials of a checked section, its files read. */
export function buildAuth(auth: AuthSection | undefined, host: string, path: KeyPath, resolution: Resolution): AuthOptions {
  switch (auth?.type) {
    case undefined:
      return dockerCredentials(host, undefined, path, resolution) ?? { type: 'none' };
    case 'docker-config':
      return dockerConfigAuth(auth.path, host, path, resolution);
    case 'token-key':
      return tokenKeyAuth(auth, path, resolution);
    case 'acr':
      return acrAuth(auth, path, resolution);
    case 'gar':
      return garAuth(auth, path, resolution);
    case 'none':
    case 'basic':
    case 'bearer':
    case 'ecr':
      return given(auth);
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

function acrAuth(auth: Extract<AuthSection, { type: 'acr' }>, path: KeyPath, resolution: Resolution): AuthOptions {
  const bySecret = auth.credential === 'client-secret' || (auth.credential === undefined && auth.clientSecret !== undefined);
  const complete = auth.clientSecret !== undefined && auth.tenantId !== undefined && auth.clientId !== undefined;
  if (bySecret && !complete)
    resolution.problems.push({ path, want: 'a client secret goes with tenantId, clientId and clientSecret, all three' });
  if (!bySecret && auth.clientSecret !== undefined)
    resolution.problems.push({ path: [...path, 'clientSecret'], want: `credential: ${auth.credential} takes no secret` });
  return given({ ...auth, ...(bySecret ? { credential: 'client-secret' as const } : {}) });
}

function garAuth(auth: Extract<AuthSection, { type: 'gar' }>, path: KeyPath, resolution: Resolution): AuthOptions {
  if (auth.keyFile === undefined) return { type: 'gar' };
  const at = [...path, 'keyFile'];
  const text = readText(auth.keyFile, at, resolution);
  if (text !== undefined && !isKeyFile(text)) {
    const want = 'the JSON key file of a service account, or the credential configuration of a workload identity federation, is needed';
    resolution.problems.push({ path: at, found: JSON.stringify(auth.keyFile), want });
  }
  return { type: 'gar', keyFile: resolve(resolution.folder, auth.keyFile) };
}

function isKeyFile(text: string): boolean {
  try {
    return typeof (JSON.parse(text) as { type?: unknown } | null)?.type === 'string';
  } catch {
    return false; // told by the caller, without the text: it is a secret
  }
}

/** Without the keys that were not written. */
function given<T extends object>(auth: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(auth).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
