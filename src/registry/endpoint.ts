import type { CreateOptions } from './endpoint-create.ts';
import type { RegistryKind } from './kinds/index.ts';

/** One registry as the configuration describes it, secrets included: it never leaves the process. */
export interface Endpoint {
  /** `primary`, or the site's name: for messages. */
  readonly name: string;
  readonly side: 'primary' | 'secondary';
  /** `http(s)://host[:port]`, maybe with a path prefix in front of `/v2/`. */
  readonly url: string;
  readonly kind: RegistryKind;
  readonly auth: AuthOptions;
  /** The API of its own that this kind of registry has beside `/v2/`, where that is elsewhere or wants a token of its own. */
  readonly api?: { readonly url?: string; readonly token?: string };
  /** Hosts that the registry may send us to although they are not its own: `host`, `host:port` or `*.domain`. */
  readonly trust?: EndpointTrust;
  /** The repositories of a registry that cannot list them. */
  readonly catalog?: readonly string[];
  /** Whose repositories are listed, at a registry that lists them by owner: organizations, users, groups. */
  readonly namespaces?: readonly string[];
  /** How repositories are made that must exist before the first push; `false`: they are made by somebody else. */
  readonly create?: CreateOptions | false;
  /** PEM texts; the authorities are added to the built-in ones. */
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string; readonly insecure?: never };
  /** Shared by all sessions of the process with the same host and port; the lowest one holds. */
  readonly limits: EndpointLimits;
  /** Default: 10 s to connect, 60 s without a byte. */
  readonly timeouts?: { readonly connectMs?: number; readonly stallMs?: number };
}

/** Whom of those that a registry names we believe to be its own. */
export interface EndpointTrust {
  /** Storage at addresses to which an answer may not lead otherwise: private ones of a public registry, this machine's, the reserved. */
  readonly redirects?: readonly string[];
  /** Token services at another host that may be shown the credentials. */
  readonly tokens?: readonly string[];
}

export interface EndpointLimits {
  /** Requests at a time, blob bodies left out. */
  readonly requests: number;
  /** Blob bodies at a time. */
  readonly transfers: number;
  /** Of blob bodies, in both directions together. */
  readonly bytesPerSecond?: number;
}

export type AuthOptions =
  NoAuth | BasicAuth | BearerAuth | TokenKeyAuth | IdentityTokenAuth | DockerHelperAuth | AcrAuth | EcrAuth | GarAuth;

/** Anonymous; a token service is still asked, since many want a token for public content too. */
export interface NoAuth {
  readonly type: 'none';
}

/** A user and a password, for the registry or for the token service that it names. */
export interface BasicAuth {
  readonly type: 'basic';
  readonly username: string;
  readonly password: string;
}

/** What `docker login` got from a token service in place of the password: tokens are asked for with it by OAuth2. */
export interface IdentityTokenAuth {
  readonly type: 'identity-token';
  readonly token: string;
  /** For a service that takes it as a password alone. */
  readonly username?: string;
}

/** A program of Docker's that keeps or makes credentials: `docker-credential-<helper>`. */
export interface DockerHelperAuth {
  readonly type: 'docker-helper';
  /** Letters, digits, `.`, `_` and `-`. */
  readonly helper: string;
  /** What it is asked for: `host[:port]`, or Docker Hub's `https://index.docker.io/v1/`. */
  readonly serverUrl: string;
  /** The environment that it runs in: it looks for its own configuration there. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The file that names it, for messages. */
  readonly file: string;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

/** A fixed token, sent as it is. */
export interface BearerAuth {
  readonly type: 'bearer';
  readonly token: string;
}

/** The registry's own signing key: pull-only tokens are made with it, without a token service. */
export interface TokenKeyAuth {
  readonly type: 'token-key';
  /** PEM, RSA or EC (P-256, P-384). */
  readonly key: string;
  /** PEM: the certificate of `rootcertbundle`, maybe with its chain; sent along as `x5c`. */
  readonly certificate?: string;
  readonly issuer: string;
  readonly service: string;
  /** Default 300. */
  readonly ttlSeconds?: number;
  /** Sent as it is; absent: found out. */
  readonly kid?: string;
}

/** An identity of Microsoft Entra ID, exchanged for the tokens of an Azure Container Registry. */
export interface AcrAuth {
  readonly type: 'acr';
  /** Where it comes from; `default`: the first of environment, workload identity, managed identity and Azure's tools that has one. */
  readonly credential?: AcrCredential;
  readonly tenantId?: string;
  /** Of a user-assigned managed identity, of a federated workload, or of the application that a secret belongs to. */
  readonly clientId?: string;
  /** With `client-secret`. */
  readonly clientSecret?: string;
  /** Default `https://containerregistry.azure.net`. */
  readonly audience?: string;
}

export type AcrCredential = 'default' | 'environment' | 'managed-identity' | 'workload-identity' | 'client-secret';

/** The credentials of AWS's own chain, for Amazon ECR. */
export interface EcrAuth {
  readonly type: 'ecr';
  /** Default: the one in the host's name. */
  readonly region?: string;
  /** The account that the registry belongs to; default: the one in the host's name. */
  readonly registryId?: string;
  /** Of AWS's configuration files. */
  readonly profile?: string;
  /** ECR Public; default: whether the host is public.ecr.aws. */
  readonly public?: boolean;
}

/** A Google account, for Artifact Registry and gcr.io. */
export interface GarAuth {
  readonly type: 'gar';
  /** Absolute; of a service account's key or of a workload identity federation; absent: the application default credentials. */
  readonly keyFile?: string;
}
