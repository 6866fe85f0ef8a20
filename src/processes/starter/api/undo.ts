import type { FastifyInstance } from 'fastify';
import { undoReferences } from '../operations.ts';
import { siteOf, type ControlParts } from '../parts.ts';
import { checked, UNDO } from './schemas.ts';

/** Tags that are set back to what they stood for before their last move or deletion: 200 once all are, or could not be; 202 if some are not yet. */
export function undoRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.post<{ Params: { site: string } }>('/sites/:site/undo', async (request, reply) => {
    const site = siteOf(parts, request.params.site);
    const { references, to } = checked(UNDO, request.body);
    const items = await undoReferences(parts, site, references, { to, actor: request.actor });
    return reply.code(items.some(({ state }) => state === 'asked') ? 202 : 200).send({ items });
  });
}
