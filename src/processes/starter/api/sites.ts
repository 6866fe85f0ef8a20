import type { FastifyInstance } from 'fastify';
import { audit } from '../../../ledger/audit.ts';
import { listSamples } from '../../../ledger/site-samples.ts';
import { siteStatus } from '../../../ledger/site-status.ts';
import { setPaused } from '../../../ledger/sites.ts';
import { pauseSite, resumeSite } from '../../temporal/pause.ts';
import type { Actor } from '../access.ts';
import { clientOf, siteOf, statusOfSites, type ControlParts } from '../parts.ts';
import { RequestError } from '../request-error.ts';
import { checked, HOUR_MS, SAMPLES } from './schemas.ts';

/** The sites: how far each is; pause and resume. */
export function siteRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get('/sites', async () => ({ items: await statusOfSites(parts), next: null }));

  server.get<{ Params: { site: string } }>('/sites/:site', async (request) => {
    const site = siteOf(parts, request.params.site);
    const [status] = await siteStatus(parts.ledger, [site.name]);
    return status;
  });

  server.get<{ Params: { site: string } }>('/sites/:site/samples', async (request) => {
    const site = siteOf(parts, request.params.site);
    const { hours } = checked(SAMPLES, request.query);
    return { items: await listSamples(parts.ledger, site.name, Math.ceil(hours * HOUR_MS)), next: null };
  });

  server.post<{ Params: { site: string } }>('/sites/:site/pause', async (request, reply) => {
    const { name } = siteOf(parts, request.params.site);
    await pauseSite(clientOf(parts), name);
    await settlePause(parts, name, true, request.actor);
    return reply.code(202).send({ site: name, action: 'pause' });
  });

  server.post<{ Params: { site: string } }>('/sites/:site/resume', async (request, reply) => {
    const { name } = siteOf(parts, request.params.site);
    const resumed = await resumeSite(clientOf(parts), name);
    await settlePause(parts, name, false, request.actor);
    if (!resumed) throw new RequestError(409, 'CONFLICT', `site "${name}" is not paused`);
    return reply.code(202).send({ site: name, action: 'resume' });
  });
}

/** Temporal has it already; what is shown need not wait for the next look there. */
async function settlePause(parts: ControlParts, site: string, paused: boolean, actor: Actor): Promise<void> {
  await setPaused(parts.ledger, site, paused);
  await audit(parts.ledger, { actor, action: paused ? 'pause' : 'resume', site });
}
