import { cloudFront, type CloudAnswer, type CloudFront, type CloudRequest } from './front.ts';
import { basicUser, digestsOf, tagsOf } from './holdings.ts';

export interface ZotRules {
  login: string;
  /** The search extension is switched on. */
  search: boolean;
}

/**
 * zot, built from pkg/extensions/search/{schema.graphql,resolver.go}, pkg/meta/parse.go (signatures are no images to the search) and pkg/api/routes.go
 * of project-zot/zot (August 2026).
 */
export async function zotCloud(upstream: string): Promise<CloudFront & { readonly rules: ZotRules }> {
  const rules: ZotRules = { login: 'me:secret', search: true };
  const front = await cloudFront(upstream, {
    answer(request) {
      if (basicUser(request.headers.authorization) !== rules.login)
        return { status: 401, body: { errors: [{ code: 'UNAUTHORIZED' }] }, headers: { 'www-authenticate': 'Basic realm="zot"' } };
      if (!request.path.startsWith('/v2/_zot/ext/')) return undefined;
      return rules.search ? search(upstream, request) : { status: 404 };
    },
  });
  return Object.assign(front, { rules });
}

async function search(upstream: string, request: CloudRequest): Promise<CloudAnswer> {
  const repository = /^\{ImageList\(repo:"([^"]+)"\)\{Results\{Tag Digest\}\}\}$/.exec(request.query.get('query') ?? '')?.[1];
  if (repository === undefined) return { status: 422, body: { errors: [{ message: 'Unexpected token' }], data: null } };
  const images = ((await tagsOf(upstream, repository)) ?? []).filter((tag) => !/^sha256-[a-f0-9]{64}/.test(tag));
  const told = await digestsOf(upstream, repository, images);
  return { body: { data: { ImageList: { Results: told.map(({ tag, digest }) => ({ Tag: tag, Digest: digest })) } } } };
}
