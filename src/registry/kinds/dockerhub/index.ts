import type { OwnApi } from '../kind.ts';
import { knownDigests } from './known-digests.ts';
import { listRepositories } from './list-repositories.ts';

/** Docker Hub, by the API of hub.docker.com, with the user and token of `/v2/`. */
export const dockerhub: OwnApi = { listRepositories, knownDigests };
