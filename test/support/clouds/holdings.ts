import { TYPES } from '../images.ts';

/*
 * What the registry behind a fake cloud holds: the fakes tell it in their cloud's shape, so that they cannot drift from what is there.
 */

const ACCEPT = [TYPES.ociManifest, TYPES.ociIndex, TYPES.dockerManifest, TYPES.dockerList].join(', ');

/** All repositories, sorted. */
export async function repositoriesOf(upstream: string): Promise<string[]> {
  const body = (await (await fetch(`${upstream}/v2/_catalog?n=1000`)).json()) as { repositories: string[] };
  return body.repositories.sort();
}

/** All tags of a repository, sorted; `undefined` if there is none. */
export async function tagsOf(upstream: string, repository: string): Promise<string[] | undefined> {
  const tags: string[] = [];
  for (let last = ''; ;) {
    const answer = await fetch(`${upstream}/v2/${repository}/tags/list?n=1000&last=${last}`);
    const body = (await answer.json()) as { tags?: string[] | null };
    if (answer.status === 404) return undefined;
    tags.push(...(body.tags ?? []));
    if (!answer.headers.has('link')) return tags.sort();
    last = tags.at(-1) ?? '';
  }
}

/** The digest that a tag stands for, and its type. */
export async function manifestOf(upstream: string, repository: string, tag: string): Promise<{ digest: string; mediaType: string }> {
  const answer = await fetch(`${upstream}/v2/${repository}/manifests/${tag}`, { method: 'HEAD', headers: { accept: ACCEPT } });
  return { digest: answer.headers.get('docker-content-digest') ?? '', mediaType: answer.headers.get('content-type') ?? '' };
}

/** Tags with their digests, in the order given. */
export async function digestsOf(
  upstream: string,
  repository: string,
  tags: readonly string[],
): Promise<{ tag: string; digest: string; mediaType: string }[]> {
  const found: { tag: string; digest: string; mediaType: string }[] = [];
  const AT_ONCE = 16;
  for (let at = 0; at < tags.length; at += AT_ONCE) {
    const part = tags.slice(at, at + AT_ONCE);
    found.push(...(await Promise.all(part.map(async (tag) => ({ tag, ...(await manifestOf(upstream, repository, tag)) })))));
  }
  return found;
}

/** `user:password` of a Basic header. */
export function basicUser(header: string | undefined): string | undefined {
  return header?.startsWith('Basic ') ? Buffer.from(header.slice('Basic '.length), 'base64').toString() : undefined;
}
