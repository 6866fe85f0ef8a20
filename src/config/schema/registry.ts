import { z } from 'zod';
import { isRepositoryName } from '../../model/reference.ts';
import { KINDS, type RegistryKind } from '../../registry/kinds/index.ts';
import { auth } from './auth.ts';
import { choice, parsed, section, size, text, whole } from './fields.ts';

/** The kinds that can be configured are those of the registry room's table. */
export const kind = choice(Object.keys(KINDS) as RegistryKind[]);

/** Certificates, all PEM files. */
export const tls = section({
  caFile: text('the path of a PEM file').optional(),
  certFile: text('the path of a PEM file').optional(),
  keyFile: text('the path of a PEM file').optional(),
});

/** Of blob bodies and requests at a time. */
export const limits = section({
  transfers: whole(1, 1_000).default(8),
  requests: whole(1, 10_000).default(64),
  bytesPerSecond: size.optional(),
});

/** The API of its own that a kind has beside /v2/. */
const api = section({
  url: text("the URL of the registry's own API").optional(),
  token: text('a token for it, as ${NAME} or { file: PATH },').optional(),
});

const hosts = z.array(
  parsed(
    (value) => (typeof value === 'string' && HOST.test(value) ? value.toLowerCase() : undefined),
    'a host is needed: name, name:port or *.domain, without a scheme or path',
  ),
  { error: 'a list of hosts is needed, such as [auth.example.com]' },
);

/** `*` alone would trust whomever a registry names. */
const HOST = /^(?:\*\.[a-z0-9-]+(?:\.[a-z0-9-]+)+|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;

/** Hosts that the registry may send us to although they are not its own. */
const trust = section({ tokens: hosts.optional(), redirects: hosts.optional() });

const flag = z.boolean({ error: 'true or false is needed' });

/** How repositories are made where a registry wants that before the first push; `false`: not by us. */
export const create = z.preprocess(
  (value) => (typeof value === 'boolean' ? { enabled: value } : value),
  section({
    enabled: flag.default(true),
    public: flag.optional(),
    immutableTags: flag.optional(),
    scanOnPush: flag.optional(),
    kmsKey: text('the name of a key').optional(),
    tags: z.record(z.string(), text('a text'), { error: 'a section of names and texts is needed' }).optional(),
    storageLimit: size.optional(),
  }),
);

/** The repositories of a registry that cannot list them. */
export const catalog = z.array(
  parsed((value) => (isRepositoryName(value) ? String(value) : undefined), 'a repository name, such as team/app, is needed'),
  { error: 'a list of repository names is needed, such as [team/app]' },
);

/** Whose repositories are listed, at a registry that lists them by owner. */
export const namespaces = z
  .array(
    parsed((value) => (typeof value === 'string' && NAMESPACE.test(value) ? value : undefined), 'a namespace, such as acme, is needed'),
    { error: 'a list of namespaces is needed, such as [acme]' },
  )
  .min(1, { error: 'at least one namespace is needed' });

/** Owners may be written in capitals, where repositories may not; a GitLab project has slashes. */
const NAMESPACE = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/;

/** What primary and secondaries have in common. */
export const registryKeys = {
  url: text("the registry's URL"),
  kind: kind.default('oci'),
  auth: auth.optional(),
  tls: tls.optional(),
  api: api.optional(),
  trust: trust.optional(),
  limits: limits.prefault({}),
};

/** What was written of one registry, checked but not yet read (files, Docker's configuration). */
export type RegistrySection = z.output<z.ZodObject<typeof registryKeys>> & {
  readonly catalog?: readonly string[] | undefined;
  readonly namespaces?: readonly string[] | undefined;
  readonly create?: CreateSection | undefined;
};
export type CreateSection = z.output<typeof create>;
