import type { OwnApi } from '../kind.ts';
import { knownDigests } from './known-digests.ts';

/** Artifactory, by its query language where the repository key is known; all else goes over `/v2/`. */
export const jfrog: OwnApi = { knownDigests };
