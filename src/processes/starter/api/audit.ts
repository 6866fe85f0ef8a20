import type { FastifyInstance } from 'fastify';
import { listAudit } from '../../../ledger/audit.ts';
import { siteOf, type ControlParts } from '../parts.ts';
import { AUDIT_PAGE, checked } from './schemas.ts';

/** `GET /audit?site=`: who did what, the latest first. */
export function auditRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get('/audit', async (request) => {
    const { site, cursor, limit } = checked(AUDIT_PAGE, request.query);
    return listAudit(parts.ledger, {
      limit,
      ...(site === undefined ? {} : { site: siteOf(parts, site).name }),
      ...(cursor === undefined ? {} : { cursor }),
    });
  });
}
