import type { Digest } from './digest.ts';

/**
 * What points at content: its type, its digest and its size in bytes.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
}

/** The sum of the sizes, in bytes. */
export function totalBytes(descriptors: Iterable<Descriptor>): number {
  let sum = 0;
  for (const descriptor of descriptors) sum += descriptor.size;
  return sum;
}
