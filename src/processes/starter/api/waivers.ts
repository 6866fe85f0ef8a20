import type { FastifyInstance } from 'fastify';
import { listWaivers, unwaiveImages, waiveImages, type WaivedImage } from '../../../ledger/waivers.ts';
import { parseReference } from '../../../model/reference.ts';
import { siteOf, type ControlParts } from '../parts.ts';
import { checked, UNWAIVE, WAIVE, WAIVER_PAGE } from './schemas.ts';

interface SitePath {
  readonly Params: { readonly site: string };
}

/** Images that are left out of a site's recovery point, by name: listed, given, taken back. */
export function waiverRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get<SitePath>('/sites/:site/waivers', async (request) => {
    const site = siteOf(parts, request.params.site);
    const { cursor, limit } = checked(WAIVER_PAGE, request.query);
    return listWaivers(parts.ledger, site.name, { limit, ...(cursor === undefined ? {} : { cursor }) });
  });

  server.post<SitePath>('/sites/:site/waive', async (request) => {
    const site = siteOf(parts, request.params.site);
    const { references, reason } = checked(WAIVE, request.body);
    return { count: await waiveImages(parts.ledger, site.name, references.map(imageOf), { reason, actor: request.actor }) };
  });

  server.post<SitePath>('/sites/:site/unwaive', async (request) => {
    const site = siteOf(parts, request.params.site);
    const { references } = checked(UNWAIVE, request.body);
    return { count: await unwaiveImages(parts.ledger, site.name, references.map(imageOf), request.actor) };
  });
}

/** The schema let pass what has a tag. */
function imageOf(reference: string): WaivedImage {
  const { repository = '', tag = '' } = parseReference(reference) ?? {};
  return { repository, tag };
}
