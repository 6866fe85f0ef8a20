import type { Endpoint } from '../registry/endpoint.ts';
import type { TwinportConfig } from './twinport-config.ts';

/** Every secret of a configuration, and the forms in which it may turn up; for the logger to strike out. */
export function secretsOf(config: Omit<TwinportConfig, 'redact'>): string[] {
  const endpoints = [...(config.primary ? [config.primary] : []), ...config.secondaries.flatMap((site) => [site.endpoint, site.primary])];
  const plain = [
    config.temporal?.apiKey,
    config.control.token,
    ...inAnUrl(config.webhook.secret),
    ...Object.values(config.webhook.secrets).flatMap(inAnUrl),
    ledgerPassword(config.ledger?.url),
    ...endpoints.flatMap(endpointSecrets),
  ];
  return [...new Set(plain.filter((secret) => secret !== undefined && secret !== ''))] as string[];
}

/** Some senders have it in the path. */
function inAnUrl(secret: string | undefined): string[] {
  return secret === undefined ? [] : [secret, encodeURIComponent(secret)];
}

function endpointSecrets({ auth, api }: Endpoint): (string | undefined)[] {
  return [api?.token, ...authSecrets(auth)];
}

function authSecrets(auth: Endpoint['auth']): string[] {
  switch (auth.type) {
    case 'basic':
      return [auth.password, Buffer.from(`${auth.username}:${auth.password}`).toString('base64'), encodeURIComponent(auth.password)];
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

function ledgerPassword(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  return decodeURIComponent(new URL(url).password);
}
