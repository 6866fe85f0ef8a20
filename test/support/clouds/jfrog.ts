import { cloudFront, type CloudAnswer, type CloudFront, type CloudRequest } from './front.ts';
import { basicUser, digestsOf, repositoriesOf, tagsOf } from './holdings.ts';

export interface JfrogRules {
  login: string;
  /** The user may search by AQL. */
  searches: boolean;
}

/** The repository key. */
export const KEY = 'docker-local';

/**
 * Artifactory with one Docker repository, reached by its path, built from https://jfrog.com/help/r/jfrog-rest-apis (List Docker Repositories,
 * List Docker Tags, Artifactory Query Language) and its layout of Docker repositories: `<image>/<tag>/manifest.json`, or `list.manifest.json`.
 */
export async function jfrogCloud(upstream: string): Promise<CloudFront & { readonly rules: JfrogRules }> {
  const rules: JfrogRules = { login: 'me:secret', searches: true };
  const prefix = `/artifactory/api/docker/${KEY}`;
  const front = await cloudFront(upstream, {
    prefix,
    answer(request) {
      if (basicUser(request.headers.authorization) !== rules.login)
        return {
          status: 401,
          body: { errors: [{ status: 401, message: 'Bad credentials' }] },
          headers: { 'www-authenticate': 'Basic realm="Artifactory"' },
        };
      if (request.path === '/artifactory/api/search/aql') return search(upstream, rules, request);
      return request.path.startsWith(`${prefix}/v2/`)
        ? undefined
        : { status: 404, body: { errors: [{ status: 404, message: 'File not found.' }] } };
    },
  });
  return Object.assign(front, { rules });
}

async function search(upstream: string, rules: JfrogRules, request: CloudRequest): Promise<CloudAnswer> {
  if (!rules.searches) return { status: 403, body: { errors: [{ status: 403, message: 'Forbidden' }] } };
  const aql = await request.text();
  const found = /^items\.find\((\{.*\})\)\.include\("path","name","sha256"\)$/.exec(aql);
  if (!found) return { status: 400, body: { errors: [{ status: 400, message: 'Failed to parse query' }] } };
  const { repo, path } = JSON.parse(found[1] ?? '') as { repo: string; path: { $match: string } };
  const below = path.$match.slice(0, -'*'.length);
  const results: object[] = [];
  for (const repository of repo === KEY ? await repositoriesOf(upstream) : []) {
    if (!`${repository}/`.startsWith(below)) continue;
    for (const one of await digestsOf(upstream, repository, (await tagsOf(upstream, repository)) ?? [])) {
      const name = /index|list/.test(one.mediaType) ? 'list.manifest.json' : 'manifest.json';
      results.push({ path: `${repository}/${one.tag}`, name, sha256: one.digest.slice('sha256:'.length) });
    }
  }
  return { body: { results, range: { start_pos: 0, end_pos: results.length, total: results.length } } };
}
