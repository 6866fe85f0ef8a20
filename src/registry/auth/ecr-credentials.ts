import { TwinportError } from '../../model/failure.ts';
import type { EcrAuth } from '../endpoint.ts';
import { nameOf, type Peer } from '../errors.ts';
import { fromCloud } from './cloud-failure.ts';
import { renewedCredentials, type Credentials, type CredentialSource } from './credentials.ts';
import { ecrPlace } from './ecr-place.ts';
import type { Token } from './token-cache.ts';

/** A token that is dead on arrival: the clocks differ by hours. It may be good all the same; asking without end would help nobody. */
const LEAST_LIFE_MS = 1_000;
const USUAL_LIFE_MS = 12 * 60 * 60_000;

interface Given {
  readonly authorizationToken?: string | undefined;
  readonly expiresAt?: Date | undefined;
}

/**
 * The password of ECR: `AWS` and a token of twelve hours that AWS gives for the credentials of its own chain (environment, profile, web identity,
 * container, instance); asked for anew after eight.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 * @see https://docs.aws.amazon.com/AmazonECRPublic/latest/APIReference/API_GetAuthorizationToken.html
 */
export function ecrCredentials(peer: Peer, auth: EcrAuth): CredentialSource {
  const place = ecrPlace(peer.endpoint);
  const { api } = peer.endpoint;
  const options = {
    ...(place.region === undefined ? {} : { region: place.region }),
    ...(auth.profile === undefined ? {} : { profile: auth.profile }),
    ...(api?.url === undefined ? {} : { endpoint: api.url }),
    useFipsEndpoint: place.fips,
  };
  const ask = place.public ? askPublic : askPrivate;
  return renewedCredentials(async () =>
    readToken(peer, await fromCloud(peer, 'the token of ECR (GetAuthorizationToken)', (signal) => ask(options, signal))),
  );
}

type ClientOptions = Readonly<{ region?: string; profile?: string; endpoint?: string; useFipsEndpoint: boolean }>;

async function askPrivate(options: ClientOptions, abortSignal: AbortSignal): Promise<Given | undefined> {
  const { ECRClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr');
  const client = new ECRClient(options);
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return authorizationData?.[0];
  } finally {
    client.destroy();
  }
}

async function askPublic(options: ClientOptions, abortSignal: AbortSignal): Promise<Given | undefined> {
  const { ECRPUBLICClient, GetAuthorizationTokenCommand } = await import('@aws-sdk/client-ecr-public');
  const client = new ECRPUBLICClient(options);
  try {
    const { authorizationData } = await client.send(new GetAuthorizationTokenCommand({}), { abortSignal });
    return authorizationData;
  } finally {
    client.destroy();
  }
}

function readToken(peer: Peer, given: Given | undefined): Token<Credentials> {
  const text = Buffer.from(given?.authorizationToken ?? '', 'base64').toString();
  const colon = text.indexOf(':');
  if (colon <= 0) throw new TwinportError('PROTOCOL', `${nameOf(peer)}: ECR's GetAuthorizationToken answered without a token`);
  const left = given?.expiresAt === undefined ? USUAL_LIFE_MS : given.expiresAt.getTime() - Date.now();
  return {
    value: { type: 'password', username: text.slice(0, colon), password: text.slice(colon + 1) },
    lifeMs: Math.max(LEAST_LIFE_MS, left),
  };
}
