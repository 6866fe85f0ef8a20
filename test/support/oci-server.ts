import { afterAll } from '@jest/globals';
import { accepts, portFor } from '../../src/processes/embedded/free-port.ts';
import { spawnChild, type Child } from '../../src/processes/embedded/child.ts';
import { findPart } from './parts.ts';

/** How it is to misbehave; `test/support/ociserver/main.go` has the words. */
export interface OciServerOptions {
  readonly disableReferrersApi?: boolean;
  /** `artifactType=` is not heeded, and `OCI-Filters-Applied` not sent. */
  readonly disableReferrersFiltering?: boolean;
  readonly disableSinglePostUpload?: boolean;
  /** A larger `n` is refused, as ECR does. */
  readonly maxListPageSize?: number;
  /** No Docker-Content-Digest on GET of a manifest, as ECR does. */
  readonly omitDigestFromTagGet?: boolean;
  /** Lists are cut off at `n`, and nothing says so. */
  readonly omitLink?: boolean;
  readonly immutableTags?: boolean;
  readonly laxChildReferences?: boolean;
  /** A GET of a blob is answered with 307 to this and the digest. */
  readonly redirectBlobs?: string;
}

/** A running OCI 1.1 registry, all in memory. */
export interface OciServer {
  readonly url: string;
  /** host:port */
  readonly host: string;
  stop(): Promise<void>;
}

const running: Child[] = [];
const PORT_ATTEMPTS = 5;

/** Starts `ociserver`, an OCI 1.1 registry with the referrers API, that is stopped at the end of the test file. */
export async function testOciServer(options: OciServerOptions = {}): Promise<OciServer> {
  const command = findPart('ociserver');
  if (command === undefined) throw new Error('ociserver is not installed: node scripts/install-parts.mjs ociserver');
  for (let attempt = 1; ; attempt += 1) {
    const port = await portFor('ociserver', undefined);
    try {
      const args = [`-listen=127.0.0.1:${port}`, ...flags(options)];
      const child = await spawnChild({ command, args, env: {}, readyWhen: () => accepts(port) });
      running.push(child);
      return { url: `http://127.0.0.1:${port}`, host: `127.0.0.1:${port}`, stop: () => child.stop(500) };
    } catch (error) {
      if (!String(error).includes('address already in use') || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

/** `maxListPageSize: 5` → `-max-list-page-size=5` */
function flags(options: OciServerOptions): string[] {
  return Object.entries(options).map(([name, value]) => `-${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}=${String(value)}`);
}

afterAll(async () => {
  await Promise.all(running.splice(0).map((child) => child.stop(500)));
});
