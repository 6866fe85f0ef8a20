import { z } from 'zod';
import type { EventSource } from '../event-source.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { changeOf, collect } from '../reading.ts';

const SOURCE = 'dockerhub';
const RIGHT = 'Docker Hub sends {"push_data": {"tag"}, "repository": {"repo_name"}}';
const PUSH = z.looseObject({
  push_data: z.looseObject({ tag: z.string() }),
  repository: z.looseObject({ repo_name: z.string() }),
});

/**
 * What a webhook of a Docker Hub repository sends: pushes of one tag each, without a digest.
 * @see https://docs.docker.com/docker-hub/repos/manage/webhooks/
 */
export const dockerhub: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'path' }],
  parse({ body }) {
    const { push_data: push, repository } = checkShape(PUSH, readJson(body, RIGHT), RIGHT);
    return collect([changeOf(SOURCE, { action: 'push', repository: repository.repo_name, tag: push.tag })]);
  },
};
