import type { FastifyInstance } from 'fastify';
import { inboxDepth } from '../../../ledger/inbox.ts';
import type { Access } from '../access.ts';
import type { ControlParts } from '../parts.ts';
import { webUiOf } from '../web-ui.ts';
import { version } from '../../version.ts';

/** `GET /info`: what this Twinport is, and whether who asks could act. */
export function infoRoutes(server: FastifyInstance, parts: ControlParts, access: Access | undefined): void {
  server.get('/info', async (request) => ({
    version: version(),
    primary: parts.sites[0]?.primary ? shown(parts.sites[0].primary) : null,
    webUi: webUiOf(parts) ?? null,
    inbox: await inboxDepth(parts.ledger),
    mayAct: access?.actorOf(request) !== undefined,
  }));
}

function shown({ name, url, kind }: { name: string; url: string; kind: string }): { name: string; url: string; kind: string } {
  return { name, url, kind };
}
