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
} as const satisfies Readonly<Record<string, Kind>>;

/** The name of a kind, as the configuration writes it. */
export type RegistryKind = keyof typeof KINDS;

/** What is known of a kind. */
export function kindOf(name: RegistryKind): Kind {
  return KINDS[name];
}
