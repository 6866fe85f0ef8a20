import type { FastifyInstance } from 'fastify';
import { audit } from '../../../ledger/audit.ts';
import { startVerify, verifyState } from '../../temporal/verify.ts';
import { retryReferences } from '../operations.ts';
import { clientOf, siteOf, type ControlParts } from '../parts.ts';
import { RequestError } from '../request-error.ts';
import { checked, VERIFY_START } from './schemas.ts';

interface SitePath {
  readonly Params: { readonly site: string };
}

/** A worker that is busy or away must not hold up who asks. */
const QUERY_MS = 3_000;

/** The verification of a site: where the latest stands, and its start. */
export function verifyRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get<SitePath>('/sites/:site/verify', async (request) => {
    const site = siteOf(parts, request.params.site);
    const state = await verifyState(clientOf(parts), site.name, QUERY_MS);
    if (state) return state;
    throw new RequestError(404, 'NOT_FOUND', `site "${site.name}" has had no verification yet`);
  });

  server.post<SitePath>('/sites/:site/verify', async (request, reply) => {
    const site = siteOf(parts, request.params.site);
    const asked = checked(VERIFY_START, request.body);
    // A round of an image reads back what it finds there.
    if ('references' in asked) {
      const answer = await retryReferences(parts, site, asked.references);
      await audit(parts.ledger, { actor: request.actor, action: 'verify', site: site.name, detail: asked });
      return reply.code(202).send(answer);
    }
    const { depth = site.policy.verify.depth, sample } = asked;
    const run = await startVerify(clientOf(parts), { policy: site.policy, depth, sample });
    await audit(parts.ledger, { actor: request.actor, action: 'verify', site: site.name, detail: { depth, sample, joined: run.joined } });
    return reply.code(202).send(run);
  });
}
