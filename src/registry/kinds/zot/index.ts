import type { OwnApi } from '../kind.ts';
import { knownDigests } from './known-digests.ts';

/** zot, by the GraphQL of its search extension, where that is there; all else goes over `/v2/`. */
export const zot: OwnApi = { knownDigests };
