import { describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { backfillSiteId, bulkQueue, pushQueue, scanQueue, syncImageId, syncRepositoryId, tickId } from '../../src/model/names.ts';

const bytes = (text: string): number => Buffer.byteLength(text);
const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 32);

/** The longest that the specification allows: 255 and 128 bytes. */
const LONG_REPOSITORY = `${'team/'.repeat(50)}image`;
const LONG_TAG = 't'.repeat(128);
/** As long as sites made from URLs are. */
const LONG_SITE = 's'.repeat(40);

describe('workflow ids', () => {
  it.each([
    [syncImageId('eu', 'team/app', 'v1'), 'sync/eu/team/app:v1'],
    [syncRepositoryId('eu', 'team/app'), 'sync-repository/eu/team/app'],
    [backfillSiteId('eu'), 'backfill/eu'],
    [tickId('eu', 'backfill'), 'tick/eu/backfill'],
  ])('%s is what docs and operators know', (id, expected) => {
    expect(id).toBe(expected);
  });

  it('stay whole up to 200 bytes', () => {
    const fits = 'a'.repeat(200 - bytes('sync/eu/:v1'));
    expect(syncImageId('eu', fits, 'v1')).toBe(`sync/eu/${fits}:v1`);
    expect(syncImageId('eu', `${fits}a`, 'v1')).not.toContain(':v1');
  });

  it('over 200 bytes keep 120 bytes and 32 digits of SHA-256', () => {
    const rest = `${LONG_REPOSITORY}:${LONG_TAG}`;
    expect(syncImageId('eu', LONG_REPOSITORY, LONG_TAG)).toBe(`sync/eu/${rest.slice(0, 120)}~${hash(rest)}`);
  });

  it.each([
    ['the longest image', syncImageId('eu', LONG_REPOSITORY, LONG_TAG)],
    ['the longest repository', syncRepositoryId('eu', LONG_REPOSITORY)],
    ['a long site', syncRepositoryId(LONG_SITE, LONG_REPOSITORY)],
    ['a long site’s image', syncImageId(LONG_SITE, LONG_REPOSITORY, LONG_TAG)],
    ['an absurd site', syncRepositoryId('s'.repeat(300), LONG_REPOSITORY)],
    ['an absurd site’s backfill', backfillSiteId('s'.repeat(300))],
    ['an absurd site’s tick', tickId('s'.repeat(300), 'backfill')],
    ['three bytes a letter', syncRepositoryId('eu', '界'.repeat(100))],
    ['three bytes a letter, cut within one', syncRepositoryId('eu', `a${'界'.repeat(100)}`)],
    ['three bytes a letter, cut after two', syncRepositoryId('eu', `aa${'界'.repeat(100)}`)],
    ['four bytes a letter', syncImageId('eu', `abc${'🐳'.repeat(80)}`, 'v1')],
    ['a site of many bytes', backfillSiteId('界'.repeat(70))],
  ])('of %s fit in 200 bytes, and are text', (_, id) => {
    expect(bytes(id)).toBeLessThanOrEqual(200);
    expect(id).not.toContain('\uFFFD');
  });

  it('that are short differ where only what was cut off differs', () => {
    const ids = ['a', 'b', 'c'].map((end) => syncImageId('eu', LONG_REPOSITORY, `${LONG_TAG.slice(1)}${end}`));
    expect(new Set(ids).size).toBe(3);
    expect(syncRepositoryId('s'.repeat(299) + 'a', 'app')).not.toBe(syncRepositoryId('s'.repeat(299) + 'b', 'app'));
    expect(syncRepositoryId(LONG_SITE, LONG_REPOSITORY)).not.toBe(syncRepositoryId(LONG_SITE.slice(1), LONG_REPOSITORY));
  });

  it('are the same each time, on each machine', () => {
    expect(syncImageId('eu', LONG_REPOSITORY, LONG_TAG)).toBe(`sync/eu/${'team/'.repeat(24)}~${hash(`${LONG_REPOSITORY}:${LONG_TAG}`)}`);
    expect(syncImageId('eu', LONG_REPOSITORY, LONG_TAG)).toBe(syncImageId('eu', LONG_REPOSITORY, LONG_TAG));
  });
});

describe('task queues', () => {
  it('are two a site', () => {
    expect([pushQueue('eu'), bulkQueue('eu'), scanQueue('eu')]).toEqual(['twinport-eu-push', 'twinport-eu-bulk', 'twinport-eu-scan']);
  });
});
