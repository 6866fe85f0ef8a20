import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replicate, sitePair } from '../replication/pair.ts';
import { describeWith } from '../support/clients.ts';
import { POLICY } from '../support/policy.ts';
import { BUILDAH } from './clients/buildah.ts';
import { BUILDKIT } from './clients/buildkit.ts';
import type { Client, Mirror, Place } from './clients/client.ts';
import { COSIGN } from './clients/cosign.ts';
import { CRANE } from './clients/crane.ts';
import { HELM } from './clients/helm.ts';
import { ORAS } from './clients/oras.ts';
import { REGCTL } from './clients/regctl.ts';
import { SKOPEO } from './clients/skopeo.ts';
import { differenceOfCopy } from './difference-of-copy.ts';
import { NAMES, startAll, type Name } from './registries.ts';

/*
 * Each client pushes to one of each registry, all that it pushed is replicated to one of each, an independent reading compares the two,
 * and the client pulls from the copy.
 */
const CLIENTS: Readonly<Record<string, Client>> = {
  crane: CRANE,
  buildah: BUILDAH,
  skopeo: SKOPEO,
  oras: ORAS,
  regctl: REGCTL,
  helm: HELM,
  cosign: COSIGN,
  BuildKit: BUILDKIT,
};

let primaries: Record<Name, string>;
let secondaries: Record<Name, string>;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinport-clients-'));
  [primaries, secondaries] = [await startAll(), await startAll()];
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function placeOf(client: string, registries: Record<Name, string>, name: Name, of = ''): Promise<Place> {
  const own = join(folder, `${client}-${NAMES.indexOf(name)}${of}`);
  await mkdir(own, { recursive: true });
  return { registry: registries[name], name, folder: own };
}

for (const [clientName, client] of Object.entries(CLIENTS)) {
  const pairs = NAMES.flatMap((from) => NAMES.map((to) => [from, to] as const));

  describeWith(client.programs, `what ${clientName} pushes`, () => {
    beforeAll(async () => {
      for (const from of NAMES) await client.push(await placeOf(clientName, primaries, from));
    }, 300_000);

    it.each(pairs)('from %s to %s: is the same there, and is pulled from there', async (from, to) => {
      const prefix = `from-${NAMES.indexOf(from)}`;
      const named = (repository: string) => `${prefix}/${repository}`;
      const site = sitePair(`http://${primaries[from]}`, `http://${secondaries[to]}`);
      const refused: string[] = [];
      for (const repository of client.repositories) {
        const done = await replicate(site, repository, { policy: { ...POLICY, path: named('{repository}') }, mayFail: true });
        const failed = [...done.failures, ...done.published.filter(({ state }) => state !== 'verified')];
        for (const { tag, failure } of failed) {
          expect(failure).toMatchObject({ code: 'UNSUPPORTED', retry: 'never' });
          refused.push(`${repository}:${tag}`);
        }
        const tags = failed.flatMap(({ tag }) => tag ?? []);
        expect(await differenceOfCopy(site, repository, named(repository), tags)).toEqual([]);
      }
      expect(refused).toEqual(client.refused?.(from, to) ?? []);
      const mirror: Mirror = {
        ...(await placeOf(clientName, secondaries, to, `-${prefix}`)),
        named,
        primary: await placeOf(clientName, primaries, from),
      };
      await client.pull(mirror);
    });
  });
}
