import type { SiteConfig } from '../../../config/index.ts';
import { mapRepository } from '../../../model/reference.ts';
import { listRepositories } from '../../../registry/catalog.ts';
import { clockAheadMs } from '../../../registry/clock.ts';
import type { Endpoint } from '../../../registry/endpoint.ts';
import { getManifest } from '../../../registry/manifests.ts';
import { openSession, type Session } from '../../../registry/session.ts';
import { listTags } from '../../../registry/tags.ts';
import { cancelUpload, startUpload } from '../../../registry/uploads.ts';
import { repositoryInScope } from '../../../replication/scope.ts';
import { tryCheck, type CheckedPart } from '../../doctor/check.ts';
import { tryPush } from './try-push.ts';

/** More than this and tokens, certificates and times in the ledger are no longer trustworthy. */
const SKEW_MS = 30_000;
const SAMPLE_REPOSITORIES = 20;

/** Everything that a sync needs of one primary. */
export async function checkPrimary(primary: Endpoint, sites: readonly SiteConfig[]): Promise<CheckedPart[]> {
  return withSession(primary, async (session) => {
    const name = `primary ${primary.name === 'primary' ? session.host : primary.name}`;
    const connection = await checkConnection(session, name);
    if (!connection[0]?.ok) return connection;
    const catalog = await tryCheck(`${name}: catalog`, async () => {
      const { repositories } = await listRepositories(session, { limit: 1 });
      return { found: repositories.length === 0 ? 'the catalog may be listed, and is empty' : 'the catalog may be listed' };
    });
    const pull = await tryCheck(`${name}: pull`, () => tryPull(session, sites));
    return [...connection, catalog, pull];
  });
}

/** Everything that a sync needs of one secondary. */
export async function checkSecondary(site: SiteConfig): Promise<CheckedPart[]> {
  return withSession(site.endpoint, async (session) => {
    const name = `secondary ${site.name}`;
    const connection = await checkConnection(session, name);
    if (!connection[0]?.ok) return connection;
    const repository = mapRepository(site.policy.path, 'twinport/doctor');
    const push = await tryPush(session, repository, name, site.policy.deletes.policy !== 'never');
    return [...connection, ...push, await checkStrangers(site.endpoint, repository, name)];
  });
}

async function checkConnection(session: Session, name: string): Promise<CheckedPart[]> {
  let date: string | undefined;
  let roundTripMs = 0;
  const { auth, url } = session.endpoint;
  const connection = await tryCheck(`${name}: connection`, async () => {
    const since = Date.now();
    const answer = await session.send({ method: 'GET', path: '', scope: 'any', accept: [200] });
    roundTripMs = Date.now() - since;
    date = answer.header('date');
    const credentials =
      auth.type === 'none'
        ? 'no credentials needed'
        : auth.type === 'token-key'
          ? 'our tokens are accepted'
          : `${auth.type} credentials are accepted`;
    return {
      found: `${url} answers in ${roundTripMs} ms${url.startsWith('https:') ? ', its certificate is trusted' : ', without TLS'}; ${credentials}`,
    };
  });
  if (!connection.ok) return [connection];
  const clock = await tryCheck(`${name}: clock`, async () => {
    const aheadMs = clockAheadMs(date);
    if (Number.isNaN(aheadMs)) return { found: 'the registry does not tell its time' };
    // The header has whole seconds.
    const skewMs = Math.max(0, Math.abs(aheadMs) - roundTripMs - 1_000);
    if (skewMs <= SKEW_MS) return { found: 'the clocks agree' };
    return {
      ok: false,
      found: `the registry’s clock is ${Math.round(aheadMs / 1000)} s from ours`,
      fix: 'set both clocks by NTP: tokens and certificates depend on them',
    };
  });
  return [connection, clock];
}

async function tryPull(session: Session, sites: readonly SiteConfig[]): Promise<{ found: string; ok?: boolean; fix?: string }> {
  const { repositories } = await listRepositories(session, { limit: SAMPLE_REPOSITORIES });
  const wanted = repositories.filter((repository) => sites.some(({ policy }) => repositoryInScope(policy, repository)));
  for (const repository of wanted) {
    const [tag] = (await listTags(session, repository)) ?? [];
    if (tag === undefined) continue;
    const manifest = await getManifest(session, repository, tag);
    if (manifest) return { found: `${repository}:${tag} can be pulled (${manifest.digest.slice(0, 19)})` };
  }
  const seen =
    repositories.length === 0
      ? 'the catalog is empty'
      : `none of the first ${repositories.length} repositories is replicated and has a tag`;
  return { found: `nothing to try with: ${seen}`, fix: 'check repositories.include, or that the catalog shows this user what it should' };
}

/** Whoever may push at a secondary may change what a disaster recovery will serve. */
async function checkStrangers(endpoint: Endpoint, repository: string, name: string): Promise<CheckedPart> {
  return tryCheck(`${name}: others`, async () => {
    const stranger = openSession({ ...endpoint, auth: { type: 'none' } });
    try {
      const upload = await startUpload(stranger, repository);
      await cancelUpload(stranger, upload.location).catch(() => undefined);
      return {
        found: 'anybody may push here',
        fix: 'let only Twinport push: what others push may be overwritten, and may be served after a disaster',
      };
    } catch {
      // Refused, in whatever words: that is what is wanted.
      return { found: 'pushing without credentials is refused' };
    } finally {
      await stranger.close();
    }
  });
}

async function withSession<T>(endpoint: Endpoint, work: (session: Session) => Promise<T>): Promise<T> {
  const session = openSession(endpoint);
  try {
    return await work(session);
  } finally {
    await session.close();
  }
}
