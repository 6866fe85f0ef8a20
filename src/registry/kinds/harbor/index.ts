import type { OwnApi } from '../kind.ts';
import { createRepository } from './create-repository.ts';
import { knownDigests, listUntagged } from './artifacts.ts';
import { listRepositories } from './list-repositories.ts';
import { untag } from './untag.ts';

/** Harbor 2, by its API `/api/v2.0`, with the user and password of `/v2/`. */
export const harbor: OwnApi = { listRepositories, knownDigests, listUntagged, createRepository, untag };
