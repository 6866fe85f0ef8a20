import type { OwnApi } from '../kind.ts';
import { createRepository } from './create-repository.ts';
import { listRepositories } from './list-repositories.ts';
import { listTagDigests, listUntagged } from './images.ts';
import { deleteManifest, untag } from './delete-images.ts';

/** Amazon ECR, by AWS's API with the credentials of `auth: { type: ecr }`; without these there is `/v2/` alone. */
export const ecr: OwnApi = { listRepositories, listTagDigests, listUntagged, createRepository, deleteManifest, untag };
