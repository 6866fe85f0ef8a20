import type { Session } from '../session.ts';
import type { RegistryKind } from './index.ts';
import type { OwnApi } from './kind.ts';

/** The kinds that have an API of their own beside `/v2/`; a line each. */
const OWN_APIS: Partial<Readonly<Record<RegistryKind, OwnApi>>> = {};

/** What the session's kind of registry does in a way of its own; nothing for most. */
export function ownApi(session: Session): OwnApi {
  return OWN_APIS[session.endpoint.kind] ?? {};
}
