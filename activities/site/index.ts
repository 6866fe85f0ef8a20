import type { Site } from '../../src/replication/site.ts';
import { copyBlobs, type OnCopied } from './copy-blobs.ts';
import { deleteTags } from './delete-tags.ts';
import { enumerateLayers } from './enumerate-layers.ts';
import { fetchManifests } from './fetch-manifests.ts';
import { publishManifests } from './publish-manifests.ts';
import { restoreTag } from './restore-tag.ts';
import { sampleDigests } from './sample-digests.ts';
import { compareRepositories, compareRepository, listRepositories, lookAtDigests } from './scan.ts';
import { sweepKept } from './sweep-kept.ts';

/** The activities that see a site's two registries, and never the ledger. */
export function siteActivities(site: Site, onCopied: OnCopied = () => undefined) {
  return {
    fetchManifests: fetchManifests(site),
    enumerateLayers: enumerateLayers(site),
    copyBlobs: copyBlobs(site, onCopied),
    publishManifests: publishManifests(site),
    listRepositories: listRepositories(site),
    compareRepository: compareRepository(site),
    compareRepositories: compareRepositories(site),
    lookAtDigests: lookAtDigests(site),
    deleteTags: deleteTags(site),
    sweepKept: sweepKept(site),
    sampleDigests: sampleDigests(site),
    restoreTag: restoreTag(site),
  };
}

export type SiteActivities = ReturnType<typeof siteActivities>;
