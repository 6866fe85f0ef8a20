import type { OwnApi } from '../kind.ts';
import { listTagDigests } from './list-tag-digests.ts';
import { listUntagged } from './list-untagged.ts';
import { untag } from './untag.ts';

/** Azure Container Registry, by its API `/acr/v1` on the registry's own host; its `_catalog` is complete, and taken as it is. */
export const acr: OwnApi = { listTagDigests, listUntagged, untag };
