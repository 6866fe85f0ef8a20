import type { SitePolicy } from '../model/policy.ts';
import type { Endpoint, EndpointLimits } from '../registry/endpoint.ts';

/** The part of the configuration that a process uses; what it did not ask for is absent or empty. */
export interface TwinportConfig {
  /** The configuration file, absolute; absent where none was read. */
  readonly file?: string;
  /** Absolute. */
  readonly dataDir: string;
  /** Absent: the embedded dev server. */
  readonly temporal?: TemporalConfig;
  /** Absent: the embedded PostgreSQL. */
  readonly ledger?: { readonly url: string };
  /** The API: where commands find it, and what it asks for. */
  readonly control: { readonly url?: string; readonly token?: string };
  readonly webhook: WebhookConfig;
  readonly worker: { readonly listen?: string };
  /** The URL where a collector takes traces (OTLP over HTTP); absent: nothing is traced. */
  readonly telemetry?: { readonly traces: string };
  readonly primary?: Endpoint;
  readonly secondaries: readonly SiteConfig[];
  /** What is pushed to the primary to see its events come; absent: nothing is. */
  readonly canary?: { readonly endpoint: Endpoint; readonly repository: string; readonly everyMs: number };
  readonly retention: Retention;
  /** Every secret that was read, for the logger to strike out; not enumerable, so that no dump shows it. */
  readonly redact: readonly string[];
}

/** Where Temporal is, and how to come in. */
export interface TemporalConfig {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  /** In the form that Temporal's SDK takes; `true`: TLS with the system's authorities. */
  readonly tls?: true | TemporalTls;
  readonly apiKey?: string;
  /** Of Temporal, for people. */
  readonly webUi?: string;
  /** Absent: payloads are stored as they are. */
  readonly encryption?: TemporalEncryption;
}

/** How payloads are encrypted before Temporal sees them. */
export interface TemporalEncryption {
  /** 32 bytes each; the first one encrypts, all of them decrypt. */
  readonly keys: readonly { readonly id: string; readonly key: Uint8Array }[];
  /** Off: they only decrypt, while they are brought to every process. */
  readonly encrypt: boolean;
  /** Origins of Web UIs that may have payloads decrypted by the starter. */
  readonly webUis?: readonly string[];
}

export interface TemporalTls {
  readonly serverNameOverride?: string;
  /** PEM */
  readonly serverRootCACertificate?: Buffer;
  /** PEM */
  readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
}

/** Where events are received, and what their senders must know. */
export interface WebhookConfig {
  /** host:port */
  readonly listen: string;
  /** Of every source without a secret of its own; absent: the starter makes one. */
  readonly secret?: string;
  /** By source. */
  readonly secrets: Readonly<Record<string, string>>;
  /** What the OIDC tokens of a sender must say, by source; absent where none is configured. */
  readonly tokens?: Readonly<Record<string, SenderToken>>;
  /** How the primary names what a sender tells of (`{repo}/{image}`), by source; absent where none is configured. */
  readonly naming?: Readonly<Record<string, string>>;
}

/** A sender's token: for whom, of which account, and where the issuer's keys are, if not where they usually are. */
export interface SenderToken {
  readonly audience: string;
  readonly email: string;
  /** A URL. */
  readonly keySet?: string;
}

/** One secondary with all that its worker needs. */
export interface SiteConfig {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** The primary that this site mirrors. */
  readonly primary: Endpoint;
  readonly policy: SitePolicy;
  readonly limits: EndpointLimits;
  /** How often everything is compared, and how many requests a second that may cost each of the two registries. */
  readonly backfill: { readonly everyMs: number; readonly requestsPerSecond?: number };
  /** How fast bytes are read back to be hashed; absent: as fast as they come. */
  readonly verify?: { readonly bytesPerSecond: number };
  /** Of primary, secondary and path: where it changes, the ledger's rows are of another mirror. */
  readonly fingerprint: string;
}

/** How long the ledger keeps what is done, in milliseconds. */
export interface Retention {
  readonly inboxMs: number;
  readonly auditMs: number;
  readonly historyMs: number;
}

/** A part of the configuration. `policies` are the secondaries without credentials, certificates and Docker's configuration, as the control side uses them. */
export type Section =
  | 'temporal'
  | 'ledger'
  | 'control'
  | 'webhook'
  | 'worker'
  | 'telemetry'
  | 'primary'
  | 'secondaries'
  | 'policies'
  | { readonly site: string };
