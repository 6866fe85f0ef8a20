import { z } from 'zod';
import { isDigest } from '../../model/digest.ts';
import type { EventMessage, EventSource } from '../event-source.ts';
import { parseImageAddress } from '../image-address.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { optionalText } from '../optional-text.ts';
import { changeOf, collect, type Reading } from '../reading.ts';

const SOURCE = 'ghcr';
const RIGHT = 'GitHub sends {"action", "registry_package": {"name", "package_type", "package_version": {…}}}, or "package" for it';

const ACTION = z.looseObject({ action: z.string() });
const PACKAGE = z.looseObject({
  name: z.string(),
  namespace: optionalText,
  owner: z.looseObject({ login: optionalText }).nullish(),
  package_type: z.string(),
});
const VERSION = z.looseObject({
  version: optionalText,
  package_url: optionalText,
  container_metadata: z.looseObject({ tag: z.looseObject({ name: optionalText, digest: optionalText }).nullish() }).nullish(),
});
const VERSIONED = z.looseObject({ package_version: VERSION });

/**
 * What GitHub sends of packages, as the event `registry_package` or `package`.
 * @see https://docs.github.com/webhooks/webhook-events-and-payloads#registry_package
 * @see https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
 */
export const ghcr: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'signature', header: 'x-hub-signature-256', prefix: 'sha256=' }],
  parse(message) {
    const event = message.headers['x-github-event'];
    if (event === 'ping') return collect(['ping']);
    if (event !== undefined && event !== 'registry_package' && event !== 'package') return collect(['other event']);
    return collect([readPackage(message, readJson(jsonOf(message), RIGHT))]);
  },
};

function readPackage({ headers }: EventMessage, body: unknown): Reading {
  const { action, ...rest } = checkShape(ACTION, body, RIGHT);
  const key = 'package' in rest ? 'package' : 'registry_package';
  const named = checkShape(PACKAGE, rest[key], RIGHT, key);
  if (named.package_type.toLowerCase() !== 'container') return 'other package';
  if (action !== 'published' && action !== 'updated') return 'unknown action';
  const { package_version: version } = checkShape(VERSIONED, named, RIGHT, key);
  const address = parseImageAddress(version.package_url ?? '');
  const tag = version.container_metadata?.tag;
  return changeOf(SOURCE, {
    id: headers['x-github-delivery'],
    action: 'push',
    // GitHub's names have capitals, the registry's have not.
    repository: (address?.repository ?? `${named.namespace ?? named.owner?.login ?? ''}/${named.name}`).toLowerCase(),
    tag: tag?.name ?? address?.tag,
    digest: [version.version, tag?.digest].find(isDigest),
  });
}

/** A webhook of the content type "form" has the JSON in a field; the signature is of the whole body all the same. */
function jsonOf({ body, headers }: EventMessage): Uint8Array {
  if (!/^application\/x-www-form-urlencoded\b/i.test(headers['content-type'] ?? '')) return body;
  return Buffer.from(new URLSearchParams(Buffer.from(body).toString('utf8')).get('payload') ?? '');
}
