import type { GarAuth } from '../endpoint.ts';
import type { Peer } from '../errors.ts';
import { fromCloud } from './cloud-failure.ts';
import type { Token } from './token-cache.ts';

/** The one scope that covers Artifact Registry's `/v2/` and its API; what an account may do in it is a matter of its roles. */
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';
const USUAL_LIFE_MS = 10 * 60_000;

/** What gives out the access tokens of one account. */
export type GoogleToken = () => Promise<Token>;

const made = new WeakMap<GarAuth, GoogleToken>();

/**
 * Access tokens of a Google account: of a key file, or of the application default credentials (environment, gcloud's login, workload identity, the
 * metadata server). One and the same for whoever asks with these options.
 * @see https://cloud.google.com/docs/authentication/application-default-credentials
 */
export function googleToken(peer: Peer, auth: GarAuth): GoogleToken {
  const known = made.get(auth) ?? open(peer, auth);
  made.set(auth, known);
  return known;
}

function open(peer: Peer, auth: GarAuth): GoogleToken {
  let client: Promise<Client> | undefined;
  return () =>
    fromCloud(peer, "an access token of Google's", async () => {
      client ??= openClient(auth);
      const opening = client;
      const { token, credentials } = await opening
        .then(async (google) => ({ ...(await google.getAccessToken()), credentials: google.credentials }))
        .catch((thrown: unknown) => {
          // A key file or a metadata server that was not there may be there the next time.
          if (client === opening) client = undefined;
          throw thrown;
        });
      if (typeof token !== 'string' || token === '') throw new Error('the answer holds no access token');
      return { value: token, lifeMs: credentials.expiry_date ? Math.max(0, credentials.expiry_date - Date.now()) : USUAL_LIFE_MS };
    });
}

interface Client {
  getAccessToken(): Promise<{ token?: string | null | undefined }>;
  readonly credentials: { readonly expiry_date?: number | null | undefined };
}

async function openClient({ keyFile }: GarAuth): Promise<Client> {
  const { GoogleAuth } = await import('google-auth-library');
  // A token needs no project; without a name for it the library would look for one, by running gcloud too.
  const options = { scopes: [SCOPE], projectId: 'unused' };
  return new GoogleAuth({ ...options, ...(keyFile === undefined ? {} : { keyFilename: keyFile }) }).getClient();
}
