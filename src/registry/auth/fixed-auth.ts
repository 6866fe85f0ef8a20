import type { Authorizer } from './authorizer.ts';

/** One token for everything, sent as it is; once refused, there is no other. */
export function fixedAuth(token: string): Authorizer {
  const header = `Bearer ${token}`;
  return {
    authorize: async () => header,
    renew: async () => undefined,
  };
}
