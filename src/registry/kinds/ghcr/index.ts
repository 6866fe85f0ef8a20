import type { OwnApi } from '../kind.ts';
import { deleteManifest } from './delete-manifest.ts';
import { listRepositories } from './list-repositories.ts';
import { untag } from './untag.ts';
import { knownDigests, listUntagged } from './versions.ts';

/** GitHub's container registry, by the packages of GitHub's REST API: `/v2/` lists no catalog and deletes nothing. */
export const ghcr: OwnApi = { listRepositories, knownDigests, listUntagged, deleteManifest, untag };
