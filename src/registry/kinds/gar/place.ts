/** Where the images of a host lie in Artifact Registry's API. */
export interface GarPlace {
  readonly location: string;
  /** gcr.io: the one repository, whose name stands in no image's name. */
  readonly repository?: string;
}

const GCR_LOCATIONS: Readonly<Record<string, string>> = { 'gcr.io': 'us', 'us.gcr.io': 'us', 'eu.gcr.io': 'europe', 'asia.gcr.io': 'asia' };

/**
 * Reads a host: `<location>-docker.pkg.dev`, or one of gcr.io's.
 * @returns `undefined` of any other
 * @see https://cloud.google.com/artifact-registry/docs/transition/gcr-repositories
 */
export function garPlace(hostname: string): GarPlace | undefined {
  const location = /^([a-z0-9-]+)-docker\.pkg\.dev$/.exec(hostname)?.[1];
  if (location !== undefined) return { location };
  const gcr = GCR_LOCATIONS[hostname];
  return gcr === undefined ? undefined : { location: gcr, repository: hostname };
}
