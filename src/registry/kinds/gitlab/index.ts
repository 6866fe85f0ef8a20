import type { OwnApi } from '../kind.ts';
import { listRepositories } from './list-repositories.ts';
import { listTagDigests } from './list-tag-digests.ts';
import { untag } from './untag.ts';

/** GitLab's registry, by its API `/gitlab/v1/` (with the metadata database) and by GitLab's own. */
export const gitlab: OwnApi = { listRepositories, listTagDigests, untag };
