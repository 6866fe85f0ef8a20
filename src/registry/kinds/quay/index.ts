import type { OwnApi } from '../kind.ts';
import { knownDigests } from './known-digests.ts';
import { listRepositories } from './list-repositories.ts';

/** Quay, by its API `/api/v1`, with an OAuth token of its own (`api.token`); without, all goes over `/v2/`. */
export const quay: OwnApi = { listRepositories, knownDigests };
