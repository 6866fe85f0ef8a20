import type { FastifyInstance } from 'fastify';
import { audit } from '../../../ledger/audit.ts';
import { decideDeletions, listDeletions } from '../../../ledger/decide-deletions.ts';
import { decideMoves, listMoves } from '../../../ledger/decide-moves.ts';
import { decideRegression } from '../../../ledger/regressions.ts';
import { askForBackfill } from '../../temporal/backfill.ts';
import { sendLook } from '../../temporal/looks.ts';
import { backfillInput } from '../backfill-run.ts';
import { clientOf, siteOf, type ControlledSite, type ControlParts } from '../parts.ts';
import { BACKFILL_START, checked, DECISION, DELETION_PAGE, MOVE_PAGE } from './schemas.ts';

interface SitePath {
  readonly Params: { readonly site: string };
}

const DECISIONS = { deletions: decideDeletions, moves: decideMoves } as const;

/** What of a site waits for a person: deletions and moves back, and a primary that has regressed; listed, approved, rejected. */
export function heldRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get<SitePath>('/sites/:site/deletions', async (request) => {
    const site = siteOf(parts, request.params.site);
    return listDeletions(parts.ledger, site.name, given(checked(DELETION_PAGE, request.query)));
  });
  server.get<SitePath>('/sites/:site/moves', async (request) => {
    const site = siteOf(parts, request.params.site);
    return listMoves(parts.ledger, site.name, given(checked(MOVE_PAGE, request.query)));
  });
  for (const verdict of ['approve', 'reject'] as const) {
    for (const what of ['deletions', 'moves'] as const) {
      server.post<SitePath>(`/sites/:site/${what}/${verdict}`, async (request) => {
        const site = siteOf(parts, request.params.site);
        const body = checked(DECISION, request.body);
        const { repositories, count } = await DECISIONS[what](
          parts.ledger,
          site.name,
          'all' in body ? 'all' : body.ids,
          verdict,
          request.actor,
        );
        await audit(parts.ledger, { actor: request.actor, action: `${what} ${verdict}`, site: site.name, detail: { ...body, count } });
        if (verdict === 'approve') await lookAgain(parts, site, repositories);
        return { count, repositories };
      });
    }
    server.post<SitePath>(`/sites/:site/primary/${verdict}`, async (request) => {
      const site = siteOf(parts, request.params.site);
      await decideRegression(parts.ledger, site.name, verdict, request.actor);
      if (verdict === 'approve' && parts.client) await askForBackfill(clientOf(parts), backfillInput(site, BACKFILL_START.parse({})));
      return { site: site.name, primary: verdict === 'approve' ? 'approved' : 'rejected' };
    });
  }
}

/** What was approved is done by the repository's workflow, which looks again first; without one it waits for the next scan. */
async function lookAgain(parts: ControlParts, site: ControlledSite, repositories: readonly string[]): Promise<void> {
  if (!parts.client) return;
  const client = clientOf(parts);
  const notices = [{ kind: 'compare', receivedAt: Date.now() }] as const;
  await Promise.all(repositories.map((repository) => sendLook(client, { policy: site.policy, repository, looks: [], notices })));
}

/** A query without what was left out of it. */
function given<S>({ state, cursor, limit }: { state?: S | undefined; cursor?: string | undefined; limit: number }) {
  return { limit, ...(state === undefined ? {} : { state }), ...(cursor === undefined ? {} : { cursor }) };
}
