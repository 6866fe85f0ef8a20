import type { AcrAuth } from '../endpoint.ts';
import type { Peer } from '../errors.ts';
import { fromCloud } from './cloud-failure.ts';

/** For whom the token is: any container registry of Azure, in every cloud. */
const AUDIENCE = 'https://containerregistry.azure.net';

/**
 * Access tokens of Entra ID for container registries. Azure's library keeps them, and asks anew in time.
 * @see https://learn.microsoft.com/azure/developer/javascript/sdk/authentication/credential-chains
 */
export function entraToken(peer: Peer, auth: AcrAuth): () => Promise<string> {
  let credential: Promise<Credential> | undefined;
  return () =>
    fromCloud(peer, `an access token of Entra ID (${auth.credential ?? 'default'})`, async (abortSignal) => {
      credential ??= openCredential(auth);
      const { token } = await (await credential).getToken(`${auth.audience ?? AUDIENCE}/.default`, { abortSignal });
      return token;
    });
}

interface Credential {
  getToken(scope: string, options: { abortSignal: AbortSignal }): Promise<{ readonly token: string }>;
}

async function openCredential({ credential, tenantId, clientId, clientSecret }: AcrAuth): Promise<Credential> {
  const azure = await import('@azure/identity');
  const tenant = tenantId === undefined ? {} : { tenantId };
  const client = clientId === undefined ? {} : { clientId };
  switch (credential ?? 'default') {
    case 'client-secret':
      return new azure.ClientSecretCredential(tenantId ?? '', clientId ?? '', clientSecret ?? '');
    case 'environment':
      return new azure.EnvironmentCredential();
    case 'managed-identity':
      return new azure.ManagedIdentityCredential(client);
    case 'workload-identity':
      return new azure.WorkloadIdentityCredential({ ...tenant, ...client });
    case 'default':
      return new azure.DefaultAzureCredential({
        ...tenant,
        ...(clientId === undefined ? {} : { managedIdentityClientId: clientId, workloadIdentityClientId: clientId }),
      });
  }
}
