import { describe, expect, it } from '@jest/globals';
import type { Peer } from '../../../src/registry/errors.ts';
import { requireTrustedRealm } from '../../../src/registry/auth/realm-trust.ts';

const shows = (registry: string, realm: string, tokens?: string[]): boolean => {
  const limits = { requests: 1, transfers: 1 };
  const endpoint = { name: 'eu', side: 'primary', url: registry, kind: 'oci', auth: { type: 'none' }, limits } as const;
  const peer: Peer = { host: new URL(registry).host, endpoint: tokens ? { ...endpoint, trust: { tokens } } : endpoint };
  try {
    requireTrustedRealm(peer, new URL(realm));
    return true;
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'CONFIG' });
    return false;
  }
};

describe('credentials are shown', () => {
  it.each([
    ['https://registry.example.com', 'https://registry.example.com/token', true],
    ['https://registry.example.com:5050', 'https://registry.example.com/jwt/auth', true],
    ['https://registry.gitlab.com', 'https://gitlab.com/jwt/auth', true],
    ['https://registry-1.docker.io', 'https://auth.docker.io/token', true],
    ['https://registry.example.com', 'https://auth.docker.io/token', false],
    ['https://registry.example.com', 'https://gitlab.example.com/jwt/auth', false],
    ['https://registry.example.com', 'https://evil-registry.example.com/', false],
    ['https://registry.example.com', 'https://registry.example.com.evil.net/', false],
    ['https://example.com', 'https://registry.example.com/', false],
    ['https://registry.example.com', 'https://com/', false],
    ['https://10.0.0.1', 'https://0.0.1/', false],
    ['https://registry.example.com', 'https://169.254.169.254/', false],
  ])('by %s to %s: %s', (registry, realm, shown) => {
    expect(shows(registry, realm)).toBe(shown);
  });

  it('where the configuration says so, and nowhere beside', () => {
    expect(shows('https://registry.example.com', 'https://gitlab.example.com/jwt/auth', ['gitlab.example.com'])).toBe(true);
    expect(shows('https://registry.example.com', 'https://gitlab.example.com:8443/jwt/auth', ['gitlab.example.com:443'])).toBe(false);
    expect(shows('https://registry.example.com', 'https://gitlab.example.net/jwt/auth', ['gitlab.example.com'])).toBe(false);
  });
});
