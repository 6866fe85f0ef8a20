import { describe, expect, it } from '@jest/globals';
import { parseChallenges } from '../../../src/registry/auth/challenge.ts';
import { mergeScopes, scopesOf } from '../../../src/registry/auth/scopes.ts';

describe('parseChallenges', () => {
  it.each<[string, string[], { scheme: string; params: Record<string, string> }[]]>([
    [
      'a Bearer challenge as Distribution writes it',
      ['Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull,push"'],
      [
        {
          scheme: 'bearer',
          params: { realm: 'https://auth.example.com/token', service: 'registry.example.com', scope: 'repository:a/b:pull,push' },
        },
      ],
    ],
    ['Basic', ['Basic realm="twinport"'], [{ scheme: 'basic', params: { realm: 'twinport' } }]],
    [
      'two challenges in one header, names in any case',
      ['BASIC Realm="a, b", bEARER realm="https://x/",Error="insufficient_scope"'],
      [
        { scheme: 'basic', params: { realm: 'a, b' } },
        { scheme: 'bearer', params: { realm: 'https://x/', error: 'insufficient_scope' } },
      ],
    ],
    [
      'several headers',
      ['Basic realm="x"', 'Bearer realm="https://y/t"'],
      [
        { scheme: 'basic', params: { realm: 'x' } },
        { scheme: 'bearer', params: { realm: 'https://y/t' } },
      ],
    ],
    ['escaped quotes', ['Basic realm="say \\"hi\\", you"'], [{ scheme: 'basic', params: { realm: 'say "hi", you' } }]],
    [
      'bare values and spaces around',
      ['Bearer  realm = https://x/t , service=reg'],
      [{ scheme: 'bearer', params: { realm: 'https://x/t', service: 'reg' } }],
    ],
    [
      'several scopes in one challenge',
      ['Bearer realm="https://x/t",scope="repository:a:pull",scope="repository:b:pull"'],
      [{ scheme: 'bearer', params: { realm: 'https://x/t', scope: 'repository:a:pull repository:b:pull' } }],
    ],
    [
      'a token68 and a scheme without parameters',
      ['Negotiate YWJj==, NTLM, Bearer realm="https://x/t"'],
      [
        { scheme: 'negotiate', params: {} },
        { scheme: 'ntlm', params: {} },
        { scheme: 'bearer', params: { realm: 'https://x/t' } },
      ],
    ],
    ['an empty service', ['Bearer realm="https://x/t",service=""'], [{ scheme: 'bearer', params: { realm: 'https://x/t', service: '' } }]],
    ['a quote that never ends', ['Bearer realm="https://x/t'], [{ scheme: 'bearer', params: { realm: 'https://x/t' } }]],
    ['nothing', ['', ' , '], []],
    ['rubbish, without hanging', ['"=,="";;@@ Bearer realm="https://x/t"'], [{ scheme: 'bearer', params: { realm: 'https://x/t' } }]],
  ])('reads %s', (_, headers, expected) => {
    expect(parseChallenges(headers)).toEqual(expected);
  });
});

describe('scopes', () => {
  const request = { method: 'GET', path: '' } as const;

  it.each([
    [{ ...request, scope: 'pull', repository: 'a/b' } as const, ['repository:a/b:pull']],
    [{ ...request, scope: 'push', repository: 'a/b' } as const, ['repository:a/b:pull,push']],
    [{ ...request, scope: 'push', repository: 'a/b', pullFrom: 'c/d' } as const, ['repository:a/b:pull,push', 'repository:c/d:pull']],
    [{ ...request, scope: 'delete', repository: 'a/b' } as const, ['repository:a/b:delete']],
    [{ ...request, scope: 'catalog' } as const, ['registry:catalog:*']],
    [{ ...request, scope: 'any' } as const, []],
  ])('of %j', (need, expected) => {
    expect(scopesOf(need)).toEqual(expected);
  });

  it('merges the actions of one resource, whatever colons its name or type has', () => {
    expect(mergeScopes(['repository:host:5000/a:pull'], ['repository:host:5000/a:push,pull', 'repository(plugin):p:pull', ''])).toEqual([
      'repository(plugin):p:pull',
      'repository:host:5000/a:pull,push',
    ]);
  });
});
