import type { Endpoint } from '../registry/endpoint.ts';
import { parseLedgerUrl } from './ledger-url.ts';
import { decoded } from './registry-url.ts';
import type { TwinportConfig } from './twinport-config.ts';

/** Every secret of a configuration, for the logger to strike out in whatever form it turns up. */
export function secretsOf(config: Omit<TwinportConfig, 'redact'>): string[] {
  const endpoints = [
    ...(config.primary ? [config.primary] : []),
    ...(config.canary ? [config.canary.endpoint] : []),
    ...config.secondaries.flatMap((site) => [site.endpoint, site.primary]),
  ];
  const plain = [
    config.temporal?.apiKey,
    ...temporalKeys(config.temporal),
    config.control.token,
    config.webhook.secret,
    ...Object.values(config.webhook.secrets),
    ...ledgerPasswords(config.ledger?.url),
    ...endpoints.flatMap(endpointSecrets),
  ];
  return [...new Set(plain.filter((secret) => secret !== undefined && secret !== ''))] as string[];
}

function endpointSecrets({ auth, api, tls }: Endpoint): (string | undefined)[] {
  return [api?.token, tls?.key, ...authSecrets(auth)];
}

function temporalKeys(temporal: TwinportConfig['temporal']): string[] {
  const key = typeof temporal?.tls === 'object' ? temporal.tls.clientCertPair?.key : undefined;
  const payloadKeys = temporal?.encryption?.keys.map((entry) => Buffer.from(entry.key)) ?? [];
  const texts = payloadKeys.flatMap((bytes) => [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex')]);
  return key === undefined ? texts : [key.toString(), ...texts];
}

function authSecrets(auth: Endpoint['auth']): string[] {
  switch (auth.type) {
    case 'basic':
      return [auth.password, Buffer.from(`${auth.username}:${auth.password}`).toString('base64')];
    case 'bearer':
    case 'identity-token':
      return [auth.token];
    case 'token-key':
      return [auth.key];
    case 'acr':
      return auth.clientSecret === undefined ? [] : [auth.clientSecret];
    case 'none':
    case 'docker-helper':
    case 'ecr':
    case 'gar':
      return [];
  }
}

/** The password as it is written and as it is meant, wherever it stands. */
function ledgerPasswords(url: string | undefined): string[] {
  const parsed = url === undefined ? undefined : parseLedgerUrl(url);
  if (!parsed) return [];
  const { password, searchParams } = parsed;
  return [password, decoded(password) ?? '', searchParams.get('password') ?? ''];
}
