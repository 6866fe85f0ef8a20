import { z } from 'zod';

/** A text that may be absent; senders write an empty one, or null, where others leave the key out. */
export const optionalText = z
  .string()
  .nullish()
  .transform((value) => (value === '' || value === null ? undefined : value));
