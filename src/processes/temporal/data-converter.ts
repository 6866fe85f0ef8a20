import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { createPayloadCodec, type PayloadEncryption } from './payload-codec.ts';

const NONE: PayloadEncryption = { keys: [], encrypt: false };

/** How every client and worker of ours writes and reads payloads. */
export function dataConverterOf(encryption: PayloadEncryption = NONE): DataConverter {
  return {
    payloadCodecs: [createPayloadCodec(encryption)],
    ...(encryption.encrypt ? { failureConverterPath: fileURLToPath(new URL('./encoded-failures.cjs', import.meta.url)) } : {}),
  };
}
