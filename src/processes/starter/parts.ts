import type { Client } from '@temporalio/client';
import type { Logger } from 'pino';
import type { SiteConfig, TwinportConfig } from '../../config/index.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { siteStatus, type SiteStatus } from '../../ledger/site-status.ts';
import type { Tracer } from '../../telemetry/index.ts';
import type { Actor } from './access.ts';
import { RequestError } from './request-error.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set for an action by who let it in. */
    actor: Actor;
  }
}

/** What the control side must know of a site. */
export interface ControlledSite extends Pick<SiteConfig, 'name' | 'policy'>, Partial<Pick<SiteConfig, 'limits' | 'backfill'>> {
  /** Where its registry is, to be shown. */
  readonly endpoint?: Pick<SiteConfig['endpoint'], 'url'>;
  /** Whose copy it is. */
  readonly primary?: Pick<SiteConfig['primary'], 'name' | 'url' | 'kind'>;
}

/** What the API works with. */
export interface ControlParts {
  /** Absent where Temporal cannot be reached from here: then only reading works. */
  readonly client?: Client;
  readonly ledger: Ledger;
  readonly sites: readonly ControlledSite[];
  readonly logger: Logger;
  readonly config?: Pick<TwinportConfig, 'temporal'>;
  /** Of an embedded Temporal, for people. */
  readonly webUi?: string;
}

/** What a starter is made of. */
export interface StarterParts extends ControlParts {
  readonly config: Pick<TwinportConfig, 'webhook' | 'temporal' | 'retention' | 'canary'> & Partial<Pick<TwinportConfig, 'control'>>;
  readonly client: Client;
  /** Asked for every action, and for reading from elsewhere. */
  readonly token: string;
  /** Asked of every sender of events that has none of its own. */
  readonly webhookSecret: string;
  /** Where to listen instead of `webhook.listen`; port 0 takes a free one. */
  readonly listen?: string;
  /** Take no events: a `sync` that ends by itself. */
  readonly webhook?: boolean;
  /** Absent: nothing is traced. */
  readonly tracer?: Tracer;
}

/**
 * The client of Temporal, for an action.
 * @throws {RequestError} 503 UNREACHABLE
 */
export function clientOf(parts: ControlParts): Client {
  if (parts.client) return parts.client;
  throw new RequestError(
    503,
    'UNREACHABLE',
    'no Twinport is running here, so nothing can be started: run "twinport up", or set control.url or temporal.address',
  );
}

/** How far all of the configured sites are. @throws {TwinportError} LEDGER */
export function statusOfSites({ ledger, sites }: Pick<ControlParts, 'ledger' | 'sites'>): Promise<SiteStatus[]> {
  return siteStatus(
    ledger,
    sites.map(({ name }) => name),
  );
}

/**
 * The site of that name.
 * @throws {RequestError} 404 NOT_FOUND
 */
export function siteOf(parts: ControlParts, name: string): ControlledSite {
  const site = parts.sites.find((candidate) => candidate.name === name);
  if (site) return site;
  const known = parts.sites.map((candidate) => candidate.name).join(', ');
  throw new RequestError(404, 'NOT_FOUND', `there is no site "${name}"; there is ${known === '' ? 'none' : known}`, { path: 'site' });
}
