import type { FastifyInstance } from 'fastify';
import { audit } from '../../../ledger/audit.ts';
import { decideDeletions, listDeletions } from '../../../ledger/decide-deletions.ts';
import { sendLook } from '../../temporal/looks.ts';
import { clientOf, siteOf, type ControlParts } from '../parts.ts';
import { checked, DECISION, DELETION_PAGE } from './schemas.ts';

interface SitePath {
  readonly Params: { readonly site: string };
}

/** The deletions of a site that wait for a person: listed, approved, rejected. */
export function deletionRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get<SitePath>('/sites/:site/deletions', async (request) => {
    const site = siteOf(parts, request.params.site);
    const { state, cursor, limit } = checked(DELETION_PAGE, request.query);
    return listDeletions(parts.ledger, site.name, {
      limit,
      ...(state === undefined ? {} : { state }),
      ...(cursor === undefined ? {} : { cursor }),
    });
  });

  for (const verdict of ['approve', 'reject'] as const) {
    server.post<SitePath>(`/sites/:site/deletions/${verdict}`, async (request) => {
      const site = siteOf(parts, request.params.site);
      const body = checked(DECISION, request.body);
      const { repositories, count } = await decideDeletions(parts.ledger, site.name, 'all' in body ? 'all' : body.ids, verdict, 'api');
      await audit(parts.ledger, { actor: 'api', action: `deletions ${verdict}`, site: site.name, detail: { ...body, count } });
      // What was approved is done by the repository's workflow, which looks again first; without one it waits for the next scan.
      if (verdict === 'approve' && parts.client) {
        const client = clientOf(parts);
        const notices = [{ kind: 'compare', receivedAt: Date.now() }] as const;
        await Promise.all(repositories.map((repository) => sendLook(client, { policy: site.policy, repository, looks: [], notices })));
      }
      return { count, repositories };
    });
  }
}
