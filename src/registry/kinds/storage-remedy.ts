import type { RegistryKind } from './index.ts';

const FILE =
  'remove its file below blobs/ in the storage of the registry, restart the registry so that its cache forgets it, then run "twinport retry --failed"';
const PROVIDER =
  'delete the tags and manifests that hold it there, wait until the provider has let their content go, then run "twinport retry --failed"; if it comes back broken, it is the provider’s to mend';

/** Where the storage is not that of a Distribution, to which anybody with the files can go. */
const REMEDIES: Partial<Readonly<Record<RegistryKind, string>>> = {
  harbor:
    'delete the artifact in Harbor and let its garbage collection run, which empties its cache too; then run "twinport retry --failed"',
  zot: 'remove its file in the storage of zot ("zot scrub" names it) and restart zot; then run "twinport retry --failed"',
  jfrog: 'delete the image in Artifactory, empty its trash and run its garbage collection; then run "twinport retry --failed"',
  quay: 'delete the tag in Quay and let its garbage collection run (time machine included); then run "twinport retry --failed"',
  ...{ ghcr: PROVIDER, dockerhub: PROVIDER, acr: PROVIDER, ecr: PROVIDER, gar: PROVIDER },
};

/** What an operator can do where a registry keeps broken content and throws away what is sent in its stead. */
export function storageRemedy(kind: RegistryKind): string {
  return REMEDIES[kind] ?? FILE;
}
