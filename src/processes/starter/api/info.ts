import type { FastifyInstance } from 'fastify';
import { inboxDepth } from '../../../ledger/inbox.ts';
import type { Access } from '../access.ts';
import type { ControlParts } from '../parts.ts';
import { webUiOf } from '../web-ui.ts';
import { version } from '../../version.ts';

/** What this Twinport is, as the API tells it. */
export interface Info {
  readonly version: string;
  readonly primary: { readonly name: string; readonly url: string; readonly kind: string } | null;
  /** Of Temporal. */
  readonly webUi: string | null;
  /** Events that wait for Temporal. */
  readonly inbox: number;
  /** Whether this very request could act. */
  readonly mayAct: boolean;
}

/** `GET /info`: what this Twinport is, and whether who asks could act. */
export function infoRoutes(server: FastifyInstance, parts: ControlParts, access: Access | undefined): void {
  server.get('/info', async (request): Promise<Info> => ({
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
