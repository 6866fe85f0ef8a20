import type { z } from 'zod';
import { hideSecrets } from './hide-secrets.ts';
import type { Resolution } from './resolve.ts';
import type { encryption } from './schema/encryption.ts';
import type { TemporalEncryption } from './twinport-config.ts';

/** Makes the keys of the checked section, the first of which encrypts. */
export function buildEncryption({ keys, encrypt, webUis }: z.output<typeof encryption>, resolution: Resolution): TemporalEncryption {
  keys.forEach(({ id }, at) => {
    const first = keys.findIndex((other) => other.id === id);
    if (first !== at)
      resolution.problems.push({
        path: ['temporal', 'encryption', 'keys', at, 'id'],
        found: JSON.stringify(id),
        want: `an id of its own is needed; keys[${first}] has this one`,
      });
  });
  return { keys: keys.map((entry) => hideSecrets(entry, ['key'])), encrypt, ...(webUis ? { webUis } : {}) };
}
