import type { Session } from '../../session.ts';
import type { Untagged } from '../kind.ts';
import { hasToken } from './github.ts';

/** GitHub deletes whole manifests only, and those by its API: with a token for that, tags go by a placeholder; without, nothing is deleted. */
export async function untag(session: Session): Promise<Untagged> {
  return hasToken(session) ? 'unsupported' : 'refused';
}
