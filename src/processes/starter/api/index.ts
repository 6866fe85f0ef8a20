import type { FastifyInstance } from 'fastify';
import type { Access } from '../access.ts';
import type { SetupParts } from '../setup.ts';
import { auditRoutes } from './audit.ts';
import { backfillRoutes } from './backfill.ts';
import { eventRoutes } from './events.ts';
import { heldRoutes } from './held.ts';
import { imageRoutes } from './images.ts';
import { infoRoutes } from './info.ts';
import { limitRoutes } from './limits.ts';
import { openApiRoutes } from './openapi.ts';
import { setupRoutes } from './setup.ts';
import { siteRoutes } from './sites.ts';
import { undoRoutes } from './undo.ts';
import { verifyRoutes } from './verify.ts';
import { waiverRoutes } from './waivers.ts';

/** Where the JSON API lives. */
export const API_PREFIX = '/api/v1';

/** The whole JSON API; who may use it is decided before it is reached. */
export function apiRoutes(parts: SetupParts, access?: Access) {
  return async (server: FastifyInstance): Promise<void> => {
    server.decorateRequest('actor', 'api');
    siteRoutes(server, parts);
    imageRoutes(server, parts);
    backfillRoutes(server, parts);
    verifyRoutes(server, parts);
    limitRoutes(server, parts);
    heldRoutes(server, parts);
    undoRoutes(server, parts);
    waiverRoutes(server, parts);
    auditRoutes(server, parts);
    eventRoutes(server, parts);
    infoRoutes(server, parts, access);
    setupRoutes(server, parts, access);
    openApiRoutes(server);
  };
}
