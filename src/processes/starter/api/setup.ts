import type { FastifyInstance } from 'fastify';
import type { Access } from '../access.ts';
import { createSetup, notificationsFor, type SetupParts } from '../setup.ts';

/**
 * `GET /setup`: what `twinport doctor` says, as far as this process can see, and what the primary is to be configured with: behind a proxy that ends TLS,
 * `control.url` alone tells where this starter is found.
 */
export function setupRoutes(server: FastifyInstance, parts: SetupParts, access: Access | undefined): void {
  const setup = createSetup(parts);
  server.get('/setup', async (request) => ({
    ...(await setup()),
    notifications: notificationsFor(
      parts,
      parts.config?.control?.url ?? `${request.protocol}://${request.host}`,
      access?.actorOf(request) !== undefined,
    ),
  }));
}
