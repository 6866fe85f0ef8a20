import type { Endpoint } from '../endpoint.ts';

/** Which of Amazon's registries an endpoint is. */
export interface EcrPlace {
  /** ECR Public: another API, in one region. */
  readonly public: boolean;
  /** Absent: what AWS's configuration says. */
  readonly region?: string;
  /** The account; absent: the caller's own. */
  readonly registryId?: string;
  readonly fips: boolean;
}

/** `<account>.dkr.ecr.<region>.amazonaws.com`, and its forms for FIPS, China and dual stack. */
const PRIVATE = /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.(?:aws|amazonwebservices\.com\.cn))$/;
const PUBLIC = /^(?:ecr-public\.aws\.com|public\.ecr\.aws)$/;

/** ECR Public's API lives there alone, for tokens and for what an account publishes. */
const PUBLIC_REGION = 'us-east-1';

/**
 * Reads an endpoint's host; what `auth` says explicitly wins.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
 */
export function ecrPlace({ url, auth }: Pick<Endpoint, 'url' | 'auth'>): EcrPlace {
  const { hostname } = new URL(url);
  const host = PRIVATE.exec(hostname);
  const given = auth.type === 'ecr' ? auth : undefined;
  const isPublic = given?.public ?? PUBLIC.test(hostname);
  const region = given?.region ?? (isPublic ? PUBLIC_REGION : host?.[3]);
  const registryId = given?.registryId ?? host?.[1];
  return {
    public: isPublic,
    fips: host?.[2] !== undefined,
    ...(region === undefined ? {} : { region }),
    ...(registryId === undefined ? {} : { registryId }),
  };
}
