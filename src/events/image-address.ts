/** What `host/repository[:tag][@digest]` names, as it is written: nothing of it has been checked. */
export interface ImageAddress {
  /** As `/v2/` names it: without the host. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

/** Takes an image's address apart, of a sender that always writes the host; `undefined` where there is none. */
export function parseImageAddress(address: string): ImageAddress | undefined {
  const slash = address.indexOf('/');
  if (slash <= 0) return undefined;
  const [named = '', digest] = address.slice(slash + 1).split('@', 2);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const tag = tagged ? named.slice(colon + 1) : '';
  return {
    repository: tagged ? named.slice(0, colon) : named,
    ...(tag === '' ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}
