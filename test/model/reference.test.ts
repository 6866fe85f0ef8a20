import { describe, expect, it } from '@jest/globals';
import {
  companionTags,
  fallbackTag,
  isRepositoryName,
  isReservedRepository,
  isReservedTag,
  isTagName,
  mapRepository,
  parseReference,
} from '../../src/model/reference.ts';

const SHA256 = `sha256:${'ab'.repeat(32)}` as const;
const SHA512 = `sha512:${'ab'.repeat(64)}` as const;

describe('isRepositoryName', () => {
  it.each([...['app', 'a', '0', 'team/app', 'a/b/c/d/e', 'a.b', 'a_b', 'a__b', 'a-b', 'a---b', 'a.b-c_d/e', 'a'.repeat(255)]])(
    'takes %s',
    (name) => {
      expect(isRepositoryName(name)).toBe(true);
    },
  );

  it.each([
    ...[
      '',
      '/',
      'App',
      'team/',
      '/app',
      'a//b',
      '.a',
      'a.',
      '-a',
      'a-',
      'a..b',
      'a___b',
      'a._b',
      'a:b',
      'a@b',
      'a b',
      'ä',
      '../a',
      'a/../b',
    ],
    ...['app\n', 'a'.repeat(256), 7, undefined, null, ['app']],
  ])('refuses %p', (name) => {
    expect(isRepositoryName(name)).toBe(false);
  });

  it('says so quickly of a name made to be slow', () => {
    const began = Date.now();
    expect(isRepositoryName(`${'a-'.repeat(120)}!`)).toBe(false);
    expect(isRepositoryName(`${'a'.repeat(250)}!`)).toBe(false);
    expect(isRepositoryName(`a${'-'.repeat(250)}!`)).toBe(false);
    expect(Date.now() - began).toBeLessThan(5_000);
  });
});

describe('isTagName', () => {
  it.each(['latest', 'v1.0.0-rc.1', '_', 'A_b', '1', `sha256-${'a'.repeat(64)}.sig`, 't'.repeat(128)])('takes %s', (name) => {
    expect(isTagName(name)).toBe(true);
  });

  it.each(['', '.a', '-a', 'a/b', 'a:b', 'a+b', 'ä', 'v1\n', 't'.repeat(129), undefined, 1])('refuses %p', (name) => {
    expect(isTagName(name)).toBe(false);
  });
});

describe('parseReference', () => {
  it.each([
    ['team/app', { repository: 'team/app' }],
    ['team/app:v1', { repository: 'team/app', tag: 'v1' }],
    [`team/app@${SHA256}`, { repository: 'team/app', digest: SHA256 }],
    [`app@${SHA512}`, { repository: 'app', digest: SHA512 }],
  ])('reads %s', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  it.each([
    ...[
      '',
      ':v1',
      'app:',
      'app@',
      '@',
      'App:v1',
      'app:-v1',
      'registry.example.com:5000/app',
      'https://x/app',
      'app:v1:v2',
      `app:v1@${SHA256}`,
    ],
    ...[
      `app@${SHA256.toUpperCase()}`,
      `app@${SHA256.slice(0, -1)}`,
      `app@md5:${'a'.repeat(32)}`,
      `app@${SHA256}@${SHA256}`,
      ' app',
      'app ',
    ],
  ])('knows nothing of %p', (text) => {
    expect(parseReference(text)).toBeUndefined();
  });
});

describe('reserved names', () => {
  it.each([
    ['twinport', true],
    ['twinport/eu', true],
    ['twinports', false],
    ['team/twinport', false],
  ])('repository %s: %p', (name, reserved) => {
    expect(isReservedRepository(name)).toBe(reserved);
  });

  it.each([
    ['twinport-keep-1', true],
    ['twinport', false],
    ['my-twinport-1', false],
  ])('tag %s: %p', (name, reserved) => {
    expect(isReservedTag(name)).toBe(reserved);
  });
});

describe('tags that accompany a manifest', () => {
  it('are the fallback index and cosign’s', () => {
    const base = `sha256-${'ab'.repeat(32)}`;
    expect(fallbackTag(SHA256)).toBe(base);
    expect(companionTags(SHA256)).toEqual([base, `${base}.sig`, `${base}.att`, `${base}.sbom`]);
    expect(companionTags(SHA256).every(isTagName)).toBe(true);
    // As the specification cuts it: whole, it would be longer than a tag may be.
    expect(fallbackTag(`sha512:${'cd'.repeat(64)}`)).toBe(`sha512-${'cd'.repeat(32)}`);
  });
});

describe('mapRepository', () => {
  it.each([
    ['{repository}', 'team/app', 'team/app'],
    ['mirror/{repository}', 'team/app', 'mirror/team/app'],
    ['{repository}/copy', 'app', 'app/copy'],
  ])('%s of %s is %s', (path, repository, expected) => {
    expect(mapRepository(path, repository)).toBe(expected);
  });
});
