import type { FastifyInstance } from 'fastify';
import { siteStatus } from '../../../ledger/site-status.ts';
import { siteOf, type ControlParts } from '../parts.ts';

/** `GET /sites` and `GET /sites/:site`: how far each site is. */
export function siteRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get('/sites', async () => ({
    items: await siteStatus(
      parts.ledger,
      parts.sites.map(({ name }) => name),
    ),
    next: null,
  }));

  server.get<{ Params: { site: string } }>('/sites/:site', async (request) => {
    const site = siteOf(parts, request.params.site);
    const [status] = await siteStatus(parts.ledger, [site.name]);
    return status;
  });
}
