import { z } from 'zod';
import type { EventSource } from '../event-source.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { optionalText } from '../optional-text.ts';
import { changeOf, collect } from '../reading.ts';

const SOURCE = 'jfrog';
const RIGHT = 'Artifactory sends {"domain": "docker", "event_type", "data": {"repo_key", "image_name", "tag"}}';
const NAMING = '{repo}/{image}';
const EVENT = z.looseObject({ domain: z.string(), event_type: z.string() });
const ABOUT_DOCKER = z.looseObject({
  data: z.looseObject({
    repo_key: z.string(),
    image_name: z.string(),
    tag: optionalText,
    path: optionalText,
    name: optionalText,
    sha256: optionalText,
  }),
});
type Docker = z.infer<typeof ABOUT_DOCKER>['data'];
const ACTIONS: Readonly<Record<string, 'push' | 'delete' | undefined>> = { pushed: 'push', promoted: 'push', deleted: 'delete' };

/**
 * What a webhook of Artifactory sends of Docker repositories.
 * @see https://jfrog.com/help/r/jfrog-platform-administration-documentation/webhooks
 */
export const jfrog: EventSource = {
  name: SOURCE,
  proofs: [
    { by: 'header', header: 'x-jfrog-event-auth' },
    { by: 'signature', header: 'x-jfrog-event-auth', prefix: '' },
  ],
  naming: NAMING,
  parse({ body, naming = NAMING }) {
    const json = readJson(body, RIGHT);
    const event = checkShape(EVENT, json, RIGHT);
    if (event.domain !== 'docker') return collect(['other event']);
    const action = ACTIONS[event.event_type];
    if (action === undefined) return collect(['unknown action']);
    const { data } = checkShape(ABOUT_DOCKER, json, RIGHT);
    const repository = naming.replace('{repo}', () => data.repo_key).replace('{image}', () => imageOf(data));
    return collect([changeOf(SOURCE, { action, repository, tag: tagOf(data), digest: digestOf(data) })]);
  },
};

/** The path is where it lies, `image/tag/manifest.json`; `image_name` may lack the folders before it. */
function imageOf({ path, image_name: image }: Docker): string {
  const folders = path?.split('/').slice(0, -2).join('/');
  return folders?.endsWith(image) === true ? folders : image;
}

/** What has no tag lies in a folder of its digest's name. */
function tagOf({ tag }: Docker): string | undefined {
  return tag?.replace(/^sha256__/, 'sha256:');
}

/** Of the manifest's file, which is the manifest. */
function digestOf({ sha256, name }: Docker): string | undefined {
  const isManifest = name === undefined || /(?:^|\.)manifest\.json$/.test(name);
  return isManifest && sha256 !== undefined && /^[0-9a-f]{64}$/.test(sha256) ? `sha256:${sha256}` : undefined;
}
