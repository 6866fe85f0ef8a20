import { z } from 'zod';
import { choice, section, text, whole } from './fields.ts';

const noAuth = section({ type: z.literal('none') });
const basicAuth = section({
  type: z.literal('basic'),
  username: text('a user name'),
  password: text('a password, as ${NAME} or { file: PATH },'),
});
const bearerAuth = section({ type: z.literal('bearer'), token: text('a token, as ${NAME} or { file: PATH },') });
const dockerConfigAuth = section({
  type: z.literal('docker-config'),
  path: text('the path of a config.json, or of its folder,').optional(),
});
const tokenKeyAuth = section({
  type: z.literal('token-key'),
  keyFile: text('the path of a private key (PEM)').optional(),
  key: text('a private key (PEM), as ${NAME} or { file: PATH },').optional(),
  certificateFile: text('the path of the certificate (PEM)').optional(),
  issuer: text("the issuer's name, as the registry's auth.token.issuer,"),
  service: text("the service's name, as the registry's auth.token.service,"),
  ttlSeconds: whole(30, 86_400).optional(),
  kid: text("the key's id").optional(),
});

const acrAuth = section({
  type: z.literal('acr'),
  credential: choice(['default', 'environment', 'managed-identity', 'workload-identity', 'client-secret']).optional(),
  tenantId: text("the tenant's id").optional(),
  clientId: text("the identity's client id").optional(),
  clientSecret: text('a secret, as ${NAME} or { file: PATH },').optional(),
  audience: text('an audience, such as https://containerregistry.azure.net,').optional(),
});
const ecrAuth = section({
  type: z.literal('ecr'),
  region: text('a region, such as eu-west-1,').optional(),
  registryId: text("the registry's account, twelve digits,")
    .regex(/^\d{12}$/, "the registry's account, twelve digits, is needed")
    .optional(),
  profile: text("a profile's name").optional(),
  public: z.boolean({ error: 'true or false is needed' }).optional(),
});
const garAuth = section({ type: z.literal('gar'), keyFile: text('the path of a key file (JSON)').optional() });

const KNOWN = 'none | basic | bearer | docker-config | token-key | acr | ecr | gar';

/** How to come in. */
export const auth = z.discriminatedUnion(
  'type',
  [noAuth, basicAuth, bearerAuth, dockerConfigAuth, tokenKeyAuth, acrAuth, ecrAuth, garAuth],
  { error: `a section with type: ${KNOWN} is needed` },
);

export type AuthSection = z.output<typeof auth>;
