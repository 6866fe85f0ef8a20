import type { FastifyInstance } from 'fastify';
import { audit } from '../../../ledger/audit.ts';
import type { SiteLimits } from '../../../model/limits.ts';
import { changedLimits, changeLimits, resetLimits } from '../../temporal/limits.ts';
import { clientOf, siteOf, type ControlledSite, type ControlParts } from '../parts.ts';
import { RequestError } from '../request-error.ts';
import { checked, LIMITS } from './schemas.ts';

interface SitePath {
  readonly Params: { readonly site: string };
}

/** A site's limits as the API tells them; null: none. */
export interface LimitsAnswer {
  readonly configured: { readonly [Name in keyof SiteLimits]-?: number | null };
  readonly changed: SiteLimits | null;
}

/** The limits of a site: as they are configured, and what is changed of them while it runs. */
export function limitRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get<SitePath>('/sites/:site/limits', async (request) => limitsOf(parts, siteOf(parts, request.params.site)));

  server.post<SitePath>('/sites/:site/limits', async (request, reply) => {
    const site = siteOf(parts, request.params.site);
    const change = checked(LIMITS, request.body) as SiteLimits;
    await changeLimits(clientOf(parts), site.name, change);
    await audit(parts.ledger, { actor: request.actor, action: 'limits', site: site.name, detail: change });
    return reply.code(202).send({ site: site.name, action: 'limits' });
  });

  server.post<SitePath>('/sites/:site/limits/reset', async (request, reply) => {
    const { name } = siteOf(parts, request.params.site);
    const was = await resetLimits(clientOf(parts), name);
    if (!was) throw new RequestError(409, 'CONFLICT', `the limits of site "${name}" are the configured ones`);
    await audit(parts.ledger, { actor: request.actor, action: 'limits reset', site: name });
    return reply.code(202).send({ site: name, action: 'reset' });
  });
}

/** Workers are configured apart from here: what is changed is what they keep to, what is configured is what this process's file says. */
async function limitsOf(parts: ControlParts, { name, limits, backfill }: ControlledSite): Promise<LimitsAnswer> {
  const { requests = 64, transfers = 8, bytesPerSecond = null } = limits ?? {};
  const scanRequestsPerSecond = backfill?.requestsPerSecond ?? null;
  const changed = await changedLimits(clientOf(parts), name);
  return { configured: { requests, transfers, bytesPerSecond, scanRequestsPerSecond }, changed: changed ?? null };
}
