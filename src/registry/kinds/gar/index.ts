import type { OwnApi } from '../kind.ts';
import { listRepositories } from './list-repositories.ts';
import { listTagDigests, listUntagged } from './tag-list.ts';

/** Google Artifact Registry: the longer list of tags of its `/v2/`, and its API for the names of images. */
export const gar: OwnApi = { listRepositories, listTagDigests, listUntagged };
