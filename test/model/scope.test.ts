import { describe, expect, it } from '@jest/globals';
import type { Patterns, SitePolicy } from '../../src/model/policy.ts';
import { matches, repositoryInScope, tagInScope } from '../../src/replication/scope.ts';

const ALL: Patterns = { include: ['**'], exclude: [] };

function policy(change: Partial<SitePolicy> = {}): SitePolicy {
  return {
    ...{ site: 'eu', revision: 'r1', epoch: 1, path: '{repository}', repositories: ALL, tags: ALL },
    ...{ deletes: { policy: 'guard', confirmAfterMs: 0 }, verify: { everyMs: 0, depth: 'shallow' } },
    ...change,
  };
}

describe('matches', () => {
  it.each([
    // glob, name, in?
    ['**', 'app', true],
    ['**', 'a/b/c', true],
    ['*', 'app', true],
    ['*', 'a/b', false],
    ['team/*', 'team/app', true],
    ['team/*', 'team/app/base', false],
    ['team/**', 'team/app/base', true],
    ['team/**', 'teams/app', false],
    ['**/base', 'team/app/base', true],
    ['**/base', 'base', true],
    ['team/{a,b}', 'team/b', true],
    ['v?', 'v1', true],
    ['v?', 'v10', false],
    ['v[0-9]*', 'v1.2', true],
    ['v[0-9]*', 'vx', false],
    ['*-dev', 'v1-dev', true],
    ['*-dev', 'v1-dev2', false],
    ['v1.2', 'v1x2', false],
    ['*', '_hidden', true],
    ['*', 'v.1', true],
    ['Latest', 'latest', false],
  ])('%s of %s: %p', (glob, name, is) => {
    expect(matches({ include: [glob], exclude: [] }, name)).toBe(is);
  });

  it('takes what one includes and none excludes', () => {
    const patterns = { include: ['team/**', 'base'], exclude: ['team/scratch/**', '**/tmp'] };
    const names = ['team/app', 'base', 'other', 'team/scratch/x', 'team/a/tmp', 'tmp'];
    expect(names.filter((name) => matches(patterns, name))).toEqual(['team/app', 'base']);
  });

  it('takes nothing where nothing is included', () => {
    expect(matches({ include: [], exclude: [] }, 'app')).toBe(false);
  });
});

describe('a policy', () => {
  it('never takes what is Twinport’s own', () => {
    expect(['twinport', 'twinport/eu', 'team/twinport'].map((name) => repositoryInScope(policy(), name))).toEqual([false, false, true]);
    expect(['twinport-keep-1', 'v1-twinport-x'].map((tag) => tagInScope(policy(), tag))).toEqual([false, true]);
  });

  it('asks each of its own patterns', () => {
    const site = policy({ repositories: { include: ['a/**'], exclude: [] }, tags: { include: ['v*'], exclude: ['*-dev'] } });
    expect(['a/b', 'b'].map((name) => repositoryInScope(site, name))).toEqual([true, false]);
    expect(['v1', 'v1-dev', 'latest'].map((tag) => tagInScope(site, tag))).toEqual([true, false, false]);
  });
});
