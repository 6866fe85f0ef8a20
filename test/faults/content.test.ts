import { describe, it } from '@jest/globals';
import { pushImage, TYPES } from '../support/images.ts';
import type { QuirkRule } from '../support/quirk-proxy.ts';
import { eventually } from '../support/eventually.ts';
import { refused, runCases, shown, watched } from './cases.ts';
import { CONTENT_CASES } from './content-cases.ts';
import { wireSystem, type WireSystem } from './system.ts';

const json = (body: string): NonNullable<QuirkRule['answer']> => ({ status: 200, headers: { 'content-type': 'application/json' }, body });

/** What a scan finds in place of a list of tags. */
const LISTS: Record<string, NonNullable<QuirkRule['answer']>> = {
  'repository-unreadable': refused(403, 'DENIED', 'requested access to the resource is denied'),
  'repository-broken': refused(500, 'UNKNOWN', 'unknown error'),
  'tags-deep': json(`{"name":"tags-deep","tags":${'['.repeat(100_000)}${']'.repeat(100_000)}}`),
  'tags-endless': json(`{"name":"tags-endless","tags":["${'v'.repeat(40 * 1024 * 1024)}"]}`),
  'tags-hostile': json('{"name":"tags-hostile","tags":["v1","v\\u00002"]}'),
};

describe.each([
  [2, 3],
  [3, 2],
] as const)('from Distribution %i to %i', (from, to) => {
  const among = `to Distribution ${to === 2 ? '2.8' : '3'}`;

  it('gets over what a primary should not hold, and says what it is', async () => {
    await runCases(await wireSystem({ version: from }, { version: to }), CONTENT_CASES, among);
  }, 400_000);

  it('scans all but what cannot be listed', async () => {
    const system = await wireSystem({ version: from }, { version: to });
    for (const [row, answer] of Object.entries(LISTS)) await unlisted(system, row, answer, among);
    await movingTag(system, among);
  }, 400_000);
});

/** No event tells of these: a scan finds the one, and goes on past the other. */
async function unlisted(system: WireSystem, row: string, answer: NonNullable<QuirkRule['answer']>, among: string): Promise<void> {
  const beside = `${row}-beside`;
  await watched(system, row, among, [row, beside], async () => {
    system.source.rules.push({ path: new RegExp(`^/v2/${row}/tags/list`), answer });
    await pushImage(system.primary.url, row, 'v1');
    const { digest } = await pushImage(system.primary.url, beside, 'v1');
    await system.scan();
    await system.verified(beside, 'v1', digest);
    const failures = await eventually(system.scanFailures, (found) => found.has(row), 60_000);
    await eventually(system.status, ({ ready }) => ready === false);
    system.source.rules.length = 0;
    await system.scan();
    return `site not ready, all else verified: ${shown(failures.get(row) ?? '').slice(0, 200)}`;
  });
}

/** The tag is another one at each look, until it stays. */
async function movingTag(system: WireSystem, among: string): Promise<void> {
  const tag = /^\/v2\/tag-moving\/manifests\/v1$/;
  await watched(system, 'tag-moving', among, ['tag-moving'], async () => {
    const old = await pushImage(system.primary.url, 'tag-moving', 'v1', { label: 'old' });
    const { digest } = await pushImage(system.primary.url, 'tag-moving', 'v1');
    let looks = 0;
    const headers = { 'content-type': TYPES.ociManifest, 'docker-content-digest': old.digest };
    system.source.rules.push({ path: tag, when: () => (looks += 1) % 2 === 0, answer: { status: 200, headers, body: old.bytes } });
    await system.deliver('tag-moving', 'v1', digest);
    await eventually(
      async () => looks,
      (seen) => seen >= 30,
    );
    const { sync } = (await system.image('tag-moving', 'v1')) ?? { sync: 'pending' };
    system.source.rules.length = 0;
    return `\`${sync}\` until it stays`;
  });
}
