import type { FastifyInstance } from 'fastify';
import { audit } from '../../../ledger/audit.ts';
import { parseDuration } from '../../../config/index.ts';
import { imageDetail, type ImageDetail } from '../../../ledger/image-detail.ts';
import { listImages } from '../../../ledger/images.ts';
import { syncImageId, syncRepositoryId } from '../../../model/names.ts';
import { parseReference } from '../../../model/reference.ts';
import { cancelReferences, retryFailed, retryReferences } from '../operations.ts';
import { siteOf, type ControlParts } from '../parts.ts';
import { RequestError } from '../request-error.ts';
import { workflowsLink } from '../web-ui.ts';
import { checked, IMAGE_PAGE, REFERENCES, RETRY } from './schemas.ts';

interface SitePath {
  readonly Params: { readonly site: string };
}

/** An image as the API tells of it alone. */
export interface ImageAnswer extends ImageDetail {
  readonly workflows: readonly { readonly id: string; readonly url: string | null }[];
}

/** The images of a site: listed, one, retried, cancelled. */
export function imageRoutes(server: FastifyInstance, parts: ControlParts): void {
  server.get<SitePath>('/sites/:site/images', async (request) => {
    const site = siteOf(parts, request.params.site);
    const { state, repository, q, olderThan, cursor, limit } = checked(IMAGE_PAGE, request.query);
    const olderThanMs = parseDuration(olderThan);
    return listImages(parts.ledger, site.name, {
      limit,
      ...(state === undefined ? {} : { state }),
      ...(repository === undefined ? {} : { repository }),
      ...(q === undefined ? {} : { search: q }),
      ...(olderThanMs === undefined ? {} : { olderThanMs }),
      ...(cursor === undefined ? {} : { cursor }),
    });
  });

  server.get<{ Params: { site: string; '*': string } }>('/sites/:site/images/*', async (request) => {
    const site = siteOf(parts, request.params.site);
    const reference = parseReference(request.params['*']);
    if (reference?.tag === undefined) throw new RequestError(400, 'INVALID', 'an image is named repository:tag', { path: 'reference' });
    const { repository, tag } = reference;
    const image = await imageDetail(parts.ledger, { site: site.name, repository, tag });
    if (image) return { ...image, workflows: workflowsOf(parts, site.name, repository, tag) } satisfies ImageAnswer;
    throw new RequestError(404, 'NOT_FOUND', `site "${site.name}" knows no image ${request.params['*']}`);
  });

  server.post<SitePath>('/sites/:site/retry', async (request, reply) => {
    const site = siteOf(parts, request.params.site);
    const body = checked(RETRY, request.body);
    const answer = 'failed' in body ? await retryFailed(parts, site) : await retryReferences(parts, site, body.references);
    await audit(parts.ledger, { actor: request.actor, action: 'retry', site: site.name, detail: body });
    return reply.code(202).send(answer);
  });

  server.post<SitePath>('/sites/:site/cancel', async (request, reply) => {
    const site = siteOf(parts, request.params.site);
    const body = checked(REFERENCES, request.body);
    const answer = await cancelReferences(parts, site, body.references);
    await audit(parts.ledger, { actor: request.actor, action: 'cancel', site: site.name, detail: body });
    return reply.code(202).send(answer);
  });
}

/** The workflows that may have had to do with an image: its own, and its repository's. */
function workflowsOf(parts: ControlParts, site: string, repository: string, tag: string): ImageAnswer['workflows'] {
  return [syncImageId(site, repository, tag), syncRepositoryId(site, repository)].map((id) => ({
    id,
    url: workflowsLink(parts, [id]) ?? null,
  }));
}
