import { describe, expect, it } from '@jest/globals';
import { markVerification, recordEvents, recordScan, registerSites, settleFoundChanges, siteStatus } from '../../src/ledger/index.ts';
import type { Change } from '../../src/model/change.ts';
import type { ComparedTag, CompareRepositoryResult } from '../../src/model/steps.ts';
import { all, differs, digest, page, policyOf, same, synced, useLedger } from './support.ts';

const use = useLedger();
const NOW = Date.now();
/** Scans lie in the past, so that their changes are due. */
const FIRST = NOW - 3_600_000;
const SECOND = NOW - 1_800_000;

const scan = (site: string, look: number, tags: readonly ComparedTag[], more: Partial<CompareRepositoryResult> = {}, revision = '1') =>
  recordScan(
    use.ledger,
    {
      policy: { ...policyOf(site), revision },
      repository: `${site}/app`,
      scan: `${site}/${look}`,
      page: page(look, tags, more),
      verify: 'auto',
    },
    look + 10,
    all,
  );
const event = (site: string, receivedAt: number, change: Partial<Change>) =>
  recordEvents(use.ledger, [
    { receivedAt, change: { id: 'e', source: 'distribution', repository: `${site}/app`, action: 'push', ...change } },
  ]);
const missedAt = async (site: string) =>
  (await siteStatus(use.ledger, [site]))[0]?.missedEvents.map(({ source, action, missed }) => [source, action, missed]);

async function scannedSite(site: string): Promise<void> {
  await registerSites(use.ledger, [{ name: site, fingerprint: 'f' }], { reset: false });
  await scan(site, FIRST, [differs('v1', 1), differs('v2', 2)]);
  const outcomes = [synced('v1', 1, FIRST + 20), synced('v2', 2, FIRST + 20)];
  await markVerification(use.ledger, { policy: policyOf(site), repository: `${site}/app`, outcomes }, FIRST + 30);
}

describe('changes that a scan found', () => {
  it('are missed if no event told of them, by the source that should have', async () => {
    const site = 'missed';
    await scannedSite(site);
    await event(site, FIRST + 1, { tag: 'v1', digest: digest(1) });
    // Moved, new, and gone.
    await scan(site, SECOND, [differs('v1', 10), differs('v3', 3)]);
    expect(await settleFoundChanges(use.ledger, NOW)).toBe(0);
    expect(await settleFoundChanges(use.ledger)).toBe(3);
    expect(await missedAt(site)).toEqual([
      ['distribution', 'delete', 1],
      ['distribution', 'push', 2],
    ]);
    // Told once, and found once, however often they are scanned.
    await scan(site, SECOND + 1_000, [differs('v1', 10), differs('v3', 3)]);
    expect(await settleFoundChanges(use.ledger)).toBe(0);
    const [status] = await siteStatus(use.ledger, [site]);
    expect(status?.missedEvents[1]).toMatchObject({
      lastAt: new Date(SECOND).toISOString(),
      lastReference: expect.stringMatching(/app:v[13]$/),
    });
  });

  it('are none if their events came before the scan, or soon after it', async () => {
    const site = 'announced';
    await scannedSite(site);
    await event(site, SECOND - 5_000, { tag: 'v1', digest: digest(10) });
    await scan(site, SECOND, [differs('v1', 10), differs('v3', 3)]);
    await event(site, SECOND + 60_000, { tag: 'v3' });
    await event(site, SECOND + 60_000, { action: 'delete', digest: digest(2) });
    expect(await settleFoundChanges(use.ledger)).toBe(0);
    expect(await missedAt(site)).toEqual([]);
  });

  it('are missed if the event told of another digest, another tag, or an earlier change', async () => {
    const site = 'others';
    await scannedSite(site);
    await event(site, FIRST - 3_600_000, { tag: 'v1', digest: digest(10) });
    await event(site, SECOND - 5_000, { tag: 'v1', digest: digest(9) });
    await event(site, SECOND - 5_000, { tag: 'other', digest: digest(10) });
    await event(site, SECOND - 5_000, { digest: digest(10) });
    await scan(site, SECOND, [differs('v1', 10), same('v2', 2)]);
    expect(await settleFoundChanges(use.ledger)).toBe(1);
  });

  it('are none at the first scan, nor where the policy changed or an event’s own look was first', async () => {
    const site = 'first';
    await scannedSite(site);
    expect(await settleFoundChanges(use.ledger)).toBe(0);
    await scan(site, SECOND, [same('v1', 1), same('v2', 2), differs('now-in-scope', 5)], {}, '2');
    await markVerification(
      use.ledger,
      { policy: policyOf(site), repository: `${site}/app`, outcomes: [synced('v2', 7, SECOND + 500)] },
      SECOND + 600,
    );
    // This page was read before that look, and says nothing against it.
    await scan(site, SECOND + 400, [same('v1', 1), differs('v2', 2), differs('now-in-scope', 5)], {}, '2');
    expect(await settleFoundChanges(use.ledger)).toBe(0);
  });

  it('count for nobody where no source has ever been heard', async () => {
    await use.ledger.db.deleteFrom('events').execute();
    const site = 'silent';
    await scannedSite(site);
    await scan(site, SECOND, [differs('v1', 10), same('v2', 2)]);
    expect(await settleFoundChanges(use.ledger)).toBe(1);
    expect(await missedAt(site)).toEqual([['none', 'push', 1]]);
  });
});
