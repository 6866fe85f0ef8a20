import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { Payload, PayloadCodec } from '@temporalio/common';
import proto from '@temporalio/proto';
import { TwinportError } from '../../model/failure.ts';

/** What payloads are encrypted with. */
export interface PayloadEncryption {
  /** 32 bytes each; the first one encrypts, all of them decrypt. */
  readonly keys: readonly { readonly id: string; readonly key: Uint8Array }[];
  /** Off: payloads are only decrypted, while the keys are brought to every process. */
  readonly encrypt: boolean;
  /** Of Web UIs that may have payloads decrypted: `https://temporal.example.com`. */
  readonly webUis?: readonly string[];
}

/** The form of Temporal's own samples, which other codec servers and SDKs understand. */
const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const IV_BYTES = 12;
const TAG_BYTES = 16;

const { Payload: PayloadMessage } = proto.temporal.api.common.v1;

/**
 * Encrypts payloads with AES-256-GCM: 12 bytes of nonce, the encrypted payload, 16 bytes of tag. Without keys it encrypts nothing, and says of what
 * is encrypted which key is missing; what is not encrypted passes.
 * @see https://github.com/temporalio/samples-typescript/tree/main/encryption
 */
export function createPayloadCodec({ keys, encrypt }: PayloadEncryption): PayloadCodec {
  const known = new Map(keys.map(({ id, key }) => [id, key]));
  const [current] = encrypt ? keys : [];
  return {
    encode: async (payloads) => (current ? payloads.map((payload) => sealed(payload, current.id, current.key)) : payloads),
    decode: async (payloads) => payloads.map((payload) => (encodingOf(payload) === ENCODING ? opened(payload, known) : payload)),
  };
}

function sealed(payload: Payload, id: string, key: Uint8Array): Payload {
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const data = Buffer.concat([iv, cipher.update(PayloadMessage.encode(payload).finish()), cipher.final(), cipher.getAuthTag()]);
  return { metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(id) }, data };
}

function opened(payload: Payload, known: ReadonlyMap<string, Uint8Array>): Payload {
  const id = textOf(payload.metadata?.[KEY_ID]);
  const key = known.get(id);
  if (!key) {
    const has = known.size === 0 ? 'none is configured' : `there is ${[...known.keys()].join(', ')}`;
    throw new TwinportError(
      'CONFIG',
      `a payload in Temporal is encrypted with the key ${JSON.stringify(id)}: ${has}; add it to temporal.encryption.keys`,
    );
  }
  try {
    const data = Buffer.from(payload.data ?? []);
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, IV_BYTES), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(data.subarray(-TAG_BYTES));
    return PayloadMessage.decode(Buffer.concat([decipher.update(data.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]));
  } catch (cause) {
    const message = `a payload in Temporal is not what the key ${JSON.stringify(id)} encrypted: it was changed, or another key has this id`;
    throw new TwinportError('CONFIG', message, { cause });
  }
}

function encodingOf(payload: Payload): string {
  return textOf(payload.metadata?.['encoding']);
}

function textOf(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString();
}
