import { z } from 'zod';
import { parsed, section, text } from './fields.ts';

const KEY_BYTES = 32;

/** 32 bytes in base64 or hexadecimal. */
const key = parsed(
  (value) => (typeof value === 'string' ? bytesOf(value.trim()) : undefined),
  'a key of 32 bytes in base64 is needed, as ${NAME} or { file: PATH }; openssl rand -base64 32 makes one',
);

const entry = section({
  id: text('a name for the key').regex(/^[\w.-]{1,64}$/, 'a name of at most 64 letters, digits, dots, hyphens and underscores is needed'),
  key,
});

const origin = parsed(
  (value) => (typeof value === 'string' && /^https?:\/\/[^/@\s]+$/.test(value) && URL.canParse(value) ? new URL(value).origin : undefined),
  'the origin of a Web UI is needed, such as https://temporal.example.com',
);

/** How payloads are encrypted before Temporal sees them; absent: not at all. */
export const encryption = section({
  keys: z
    .array(entry, { error: 'a list of keys, each { id, key }, is needed' })
    .min(1, 'at least one key is needed: the first encrypts, the others decrypt what was encrypted before'),
  encrypt: z.boolean({ error: 'true or false is needed' }).default(true),
  webUis: z.array(origin, { error: 'a list of origins is needed' }).optional(),
});

function bytesOf(value: string): Uint8Array | undefined {
  const bytes = /^[0-9a-f]{64}$/i.test(value) ? Buffer.from(value, 'hex') : Buffer.from(value, 'base64');
  const written = /^[0-9a-f]{64}$/i.test(value) || /^[\w+/-]+={0,2}$/.test(value);
  return written && bytes.length === KEY_BYTES ? new Uint8Array(bytes) : undefined;
}
