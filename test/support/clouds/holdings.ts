import { Agent, request } from 'node:http';
import { afterAll } from '@jest/globals';
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

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** The digest that a tag stands for, and its type. */
export function manifestOf(upstream: string, repository: string, tag: string): Promise<{ digest: string; mediaType: string }> {
  // Not `fetch`: a thousand of these are asked for.
  return new Promise((resolve, reject) => {
    const url = `${upstream}/v2/${repository}/manifests/${tag}`;
    const sent = request(url, { method: 'HEAD', agent, headers: { accept: ACCEPT } }, (answer) => {
      answer.resume();
      resolve({ digest: String(answer.headers['docker-content-digest'] ?? ''), mediaType: answer.headers['content-type'] ?? '' });
    });
    sent.on('error', reject).end();
  });
}

afterAll(() => {
  agent.destroy();
});

/** Tags with their digests, in the order given. */
export async function digestsOf(
  upstream: string,
  repository: string,
  tags: readonly string[],
): Promise<{ tag: string; digest: string; mediaType: string }[]> {
  return Promise.all(tags.map(async (tag) => ({ tag, ...(await manifestOf(upstream, repository, tag)) })));
}

/** `user:password` of a Basic header. */
export function basicUser(header: string | undefined): string | undefined {
  return header?.startsWith('Basic ') ? Buffer.from(header.slice('Basic '.length), 'base64').toString() : undefined;
}
