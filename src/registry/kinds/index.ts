import type { Capabilities } from '../capabilities.ts';
import type { CreateKey } from '../endpoint-create.ts';

/** What is known of a kind of registry before it is asked; all else is probed. What it does by an API of its own is in `own-apis.ts`. */
export interface Kind {
  readonly name: string;
  /** The page of the documentation that tells how to configure it. */
  readonly docs: string;
  /** Error codes of a 404 that say "this tag or repository does not exist", as opposed to a 404 of a proxy or router. */
  readonly absenceCodes: readonly string[];
  /** What need not be found out by trying. */
  readonly capabilities?: Readonly<Capabilities>;
  /** The settings of `create` that it knows; none: repositories come with the first push. */
  readonly creates?: readonly CreateKey[];
  /** What its own API lists repositories by, in the words of its vendor (`organization or user`); absent: `namespaces` is nothing that it knows. */
  readonly namespace?: string;
}

/** Every kind that can be configured; the configuration, `doctor` and the conformance tests follow from this table. */
export const KINDS = {
  oci: {
    name: 'any registry of the OCI distribution specification',
    docs: 'docs/registries/oci.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NOT_FOUND'],
  },
  distribution: {
    name: 'CNCF Distribution (Docker registry) 2.8 and 3',
    docs: 'docs/registries/distribution.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
  },
  gitlab: {
    name: "GitLab's container registry",
    docs: 'docs/registries/gitlab.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
    namespace: 'group or project',
  },
  harbor: {
    name: 'Harbor 2',
    docs: 'docs/registries/harbor.md',
    // Its own words, and those of the Distribution behind it.
    absenceCodes: ['NOT_FOUND', 'MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
    creates: ['public', 'storageLimit'],
  },
  quay: {
    name: 'Red Hat Quay and quay.io',
    docs: 'docs/registries/quay.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'TAG_EXPIRED'],
    namespace: 'organization or user',
  },
  zot: {
    name: 'zot',
    docs: 'docs/registries/zot.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
  },
  jfrog: {
    name: 'JFrog Artifactory and Container Registry',
    docs: 'docs/registries/jfrog.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
  },
  ghcr: {
    name: "GitHub's container registry",
    docs: 'docs/registries/ghcr.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
    namespace: 'organization or user',
    // It refuses a PATCH of more than 4 MiB with 416; a whole PUT may be of any size.
    capabilities: { patch: false },
  },
  dockerhub: {
    name: 'Docker Hub',
    docs: 'docs/registries/dockerhub.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
    namespace: 'organization or user',
  },
  acr: {
    name: 'Azure Container Registry',
    docs: 'docs/registries/acr.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
  },
  ecr: {
    name: 'Amazon ECR, private and public',
    docs: 'docs/registries/ecr.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
    // It counts the parts of a PATCH for itself, and may call a blob finished after one; a whole PUT may be of any size.
    capabilities: { patch: false, singlePost: false },
    creates: ['immutableTags', 'scanOnPush', 'kmsKey', 'tags'],
  },
  gar: {
    name: 'Google Artifact Registry and gcr.io',
    docs: 'docs/registries/gar.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN'],
    namespace: 'project or project/repository',
    // It takes whole blobs only.
    capabilities: { patch: false, singlePost: false },
  },
  bundlebar: {
    name: 'Bundle Bar',
    docs: 'docs/registries/bundlebar.md',
    absenceCodes: ['MANIFEST_UNKNOWN', 'NAME_UNKNOWN', 'NOT_FOUND'],
  },
} as const satisfies Readonly<Record<string, Kind>>;

/** The name of a kind, as the configuration writes it. */
export type RegistryKind = keyof typeof KINDS;

/** What is known of a kind. */
export function kindOf(name: RegistryKind): Kind {
  return KINDS[name];
}
