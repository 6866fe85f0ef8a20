import { isDigest, type Digest } from './digest.ts';
import { TwinportError } from './failure.ts';

/**
 * The part of a signed schema 1 manifest that its signatures and its digest are over: the body without the signatures. The signatures themselves
 * are no part of the content: Distribution 2 makes new ones each time it is asked.
 * @returns the whole body where there are no signatures
 * @throws {TwinportError} INVALID (signatures that do not say what they are over)
 * @see https://github.com/distribution/distribution/blob/v2.8.2/docs/spec/manifest-v2-1.md#signed-manifests
 */
export function schema1Payload(bytes: Uint8Array): Uint8Array {
  const signatures = (readObject(bytes, 'the manifest') as { signatures?: unknown })['signatures'];
  if (signatures === undefined || signatures === null) return bytes;
  if (!Array.isArray(signatures) || signatures.length === 0) throw broken('signatures is no list, or an empty one');
  const cuts = signatures.map((signature: unknown, at) => readCut(signature, `signatures[${at}]`));
  const [first] = cuts as [Cut, ...Cut[]];
  if (cuts.some(({ length, tail }) => length !== first.length || tail !== first.tail))
    throw broken('its signatures are over different texts');
  if (first.length > bytes.length) throw broken(`its signatures are over ${first.length} bytes, and it has ${bytes.length}`);
  const tail = fromBase64Url(first.tail, 'formatTail');
  const payload = new Uint8Array(first.length + tail.length);
  payload.set(bytes.subarray(0, first.length));
  payload.set(tail, first.length);
  return payload;
}

/**
 * The layers of a schema 1 manifest, each once; what the payload says counts, not what was written around it.
 * @throws {TwinportError} INVALID
 */
export function schema1Layers(bytes: Uint8Array): Digest[] {
  const layers = (readObject(schema1Payload(bytes), 'what is signed') as { fsLayers?: unknown })['fsLayers'];
  if (!Array.isArray(layers) || layers.length === 0) throw broken('fsLayers is no list of layers');
  const digests = layers.map((layer: unknown, at) => {
    const digest = (layer as { blobSum?: unknown } | null)?.blobSum;
    if (!isDigest(digest)) throw broken(`fsLayers[${at}] has no usable blobSum`);
    return digest;
  });
  return [...new Set(digests)];
}

/** Where the signed text ends in the body, and what closes it. */
interface Cut {
  readonly length: number;
  readonly tail: string;
}

function readCut(signature: unknown, field: string): Cut {
  const header = (signature as { protected?: unknown } | null)?.protected;
  const { formatLength, formatTail } = readObject(fromBase64Url(header, `${field}.protected`), `${field}.protected`) as {
    formatLength?: unknown;
    formatTail?: unknown;
  };
  if (typeof formatLength !== 'number' || !Number.isSafeInteger(formatLength) || formatLength < 0 || typeof formatTail !== 'string') {
    throw broken(`${field} does not say what it is over`);
  }
  return { length: formatLength, tail: formatTail };
}

function readObject(bytes: Uint8Array, what: string): object {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new TwinportError('INVALID', `a Docker schema 1 manifest is broken: ${what} is not JSON`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw broken(`${what} is not a JSON object`);
  return value;
}

function fromBase64Url(text: unknown, field: string): Uint8Array {
  if (typeof text !== 'string' || !/^[A-Za-z0-9_-]*={0,2}$/.test(text)) throw broken(`${field} is not base64url`);
  try {
    return Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0));
  } catch (cause) {
    throw new TwinportError('INVALID', `a Docker schema 1 manifest is broken: ${field} is not base64url`, { cause });
  }
}

function broken(what: string): TwinportError {
  return new TwinportError('INVALID', `a Docker schema 1 manifest is broken: ${what}`);
}
