import type { FastifyInstance } from 'fastify';
import { audit } from '../../../ledger/audit.ts';
import { askForBackfill, cancelBackfill, signalBackfill } from '../../temporal/backfill.ts';
import { backfillInput, backfillState } from '../backfill-run.ts';
import { clientOf, siteOf, type ControlParts } from '../parts.ts';
import { RequestError } from '../request-error.ts';
import { BACKFILL_START, checked } from './schemas.ts';

interface SitePath {
  readonly Params: { readonly site: string };
}

/** The backfill of a site: its progress, and start, pause, resume, cancel. */
export function backfillRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get<SitePath>('/sites/:site/backfill', async (request) => {
    const site = siteOf(parts, request.params.site);
    const state = await backfillState(clientOf(parts), site.name);
    if (state) return state;
    throw new RequestError(404, 'NOT_FOUND', `site "${site.name}" has had no backfill yet`);
  });

  server.post<SitePath>('/sites/:site/backfill/start', async (request, reply) => {
    const site = siteOf(parts, request.params.site);
    const options = checked(BACKFILL_START, request.body);
    const run = await askForBackfill(clientOf(parts), backfillInput(site, options));
    await audit(parts.ledger, {
      actor: request.actor,
      action: 'backfill start',
      site: site.name,
      detail: { ...options, joined: run.joined },
    });
    return reply.code(202).send(run);
  });

  for (const action of ['pause', 'resume', 'cancel'] as const) {
    server.post<SitePath>(`/sites/:site/backfill/${action}`, async (request, reply) => {
      const site = siteOf(parts, request.params.site);
      const client = clientOf(parts);
      const state = await backfillState(client, site.name);
      if (state?.status !== 'RUNNING') throw new RequestError(409, 'CONFLICT', `no backfill of site "${site.name}" is running`);
      await (action === 'cancel' ? cancelBackfill(client, site.name) : signalBackfill(client, site.name, action));
      await audit(parts.ledger, { actor: request.actor, action: `backfill ${action}`, site: site.name, detail: {} });
      return reply.code(202).send({ site: site.name, action });
    });
  }
}
