import type { Session } from '../session.ts';
import { acr } from './acr/index.ts';
import { dockerhub } from './dockerhub/index.ts';
import { ecr } from './ecr/index.ts';
import { gar } from './gar/index.ts';
import { ghcr } from './ghcr/index.ts';
import { gitlab } from './gitlab/index.ts';
import { harbor } from './harbor/index.ts';
import type { RegistryKind } from './index.ts';
import { jfrog } from './jfrog/index.ts';
import type { OwnApi } from './kind.ts';
import { quay } from './quay/index.ts';
import { zot } from './zot/index.ts';

/** The kinds that have an API of their own beside `/v2/`; a line each. */
const OWN_APIS: Partial<Readonly<Record<RegistryKind, OwnApi>>> = {
  acr,
  dockerhub,
  ecr,
  gar,
  ghcr,
  gitlab,
  harbor,
  jfrog,
  quay,
  zot,
};

/** What the session's kind of registry does in a way of its own; nothing for most. */
export function ownApi(session: Session): OwnApi {
  return OWN_APIS[session.endpoint.kind] ?? {};
}
