import { TYPES } from '../images.ts';

/** Of so many tags none is moved in a test, and each is asked for once. */
const MANY = 500;
const known = new Map<string, Map<string, string>>();

/** A tag and what it stands for. */
export interface TaggedDigest {
  readonly tag: string;
  readonly digest: string;
}

/**
 * The tags of a repository of the real registry, in order, with their digests.
 * @returns `undefined` if the registry does not know the repository
 */
export async function tagsOf(upstream: string, repository: string): Promise<TaggedDigest[] | undefined> {
  const names: string[] = [];
  for (let path: string | undefined = `/v2/${repository}/tags/list?n=1000`; path !== undefined;) {
    const answer = await fetch(upstream + path);
    if (answer.status === 404) return undefined;
    names.push(...(((await answer.json()) as { tags: string[] | null }).tags ?? []));
    path = /<([^>]+)>/.exec(answer.headers.get('link') ?? '')?.[1];
  }
  const digests = names.length < MANY ? new Map<string, string>() : (known.get(upstream + repository) ?? new Map<string, string>());
  if (names.length >= MANY) known.set(upstream + repository, digests);
  const waiting = names.filter((tag) => !digests.has(tag));
  const look = async (): Promise<void> => {
    for (let tag = waiting.pop(); tag !== undefined; tag = waiting.pop()) {
      const answer = await fetch(`${upstream}/v2/${repository}/manifests/${tag}`, {
        method: 'HEAD',
        headers: { accept: Object.values(TYPES).join(', ') },
      });
      digests.set(tag, answer.headers.get('docker-content-digest') ?? '');
    }
  };
  await Promise.all(Array.from({ length: 16 }, look));
  return names.sort().map((tag) => ({ tag, digest: digests.get(tag) ?? '' }));
}
