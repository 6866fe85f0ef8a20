import type { FastifyInstance } from 'fastify';
import type { Access } from '../access.ts';
import { createSetup, notificationsFor, type SetupParts } from '../setup.ts';

/** `GET /setup`: what `twinport doctor` says, as far as this process can see, and what the primary is to be configured with. */
export function setupRoutes(server: FastifyInstance, parts: SetupParts, access: Access | undefined): void {
  const setup = createSetup(parts);
  server.get('/setup', async (request) => ({
    ...(await setup()),
    notifications: notificationsFor(parts, `${request.protocol}://${request.host}`, access?.actorOf(request) !== undefined),
  }));
}
