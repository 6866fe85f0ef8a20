import type { Site } from '../../src/replication/site.ts';
import { copyBlobs } from './copy-blobs.ts';
import { deleteTags } from './delete-tags.ts';
import { enumerateLayers } from './enumerate-layers.ts';
import { fetchManifests } from './fetch-manifests.ts';
import { publishManifests } from './publish-manifests.ts';
import { compareRepository, listRepositories, lookAtDigests } from './scan.ts';

/** The activities that see a site's two registries, and never the ledger. */
export function siteActivities(site: Site) {
  return {
    fetchManifests: fetchManifests(site),
    enumerateLayers: enumerateLayers(site),
    copyBlobs: copyBlobs(site),
    publishManifests: publishManifests(site),
    listRepositories: listRepositories(site),
    compareRepository: compareRepository(site),
    lookAtDigests: lookAtDigests(site),
    deleteTags: deleteTags(site),
  };
}

export type SiteActivities = ReturnType<typeof siteActivities>;
