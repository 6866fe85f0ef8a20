import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';

interface SupplyChain {
  judgeAudit(answer: unknown): { verdict: 'unknown' | 'fine' | 'grave' };
  unvouched(lock: unknown): string[];
}
const { judgeAudit, unvouched } = (await import(new URL('../../scripts/supply-chain.mjs', import.meta.url).href)) as SupplyChain;

const answer = (severity: string) => ({ metadata: { vulnerabilities: { total: 1 } }, vulnerabilities: { x: { name: 'x', severity } } });

describe('the audit', () => {
  it.each([
    ['no answer', undefined, 'unknown'],
    ['an error of the endpoint', { error: { summary: '405' } }, 'unknown'],
    ['nothing known', { metadata: { vulnerabilities: { total: 0 } }, vulnerabilities: {} }, 'fine'],
    ['what is moderate', answer('moderate'), 'fine'],
    ['what is high', answer('high'), 'grave'],
    ['what is critical', answer('critical'), 'grave'],
  ])('judges %s', (_what, given, verdict) => {
    expect(judgeAudit(given).verdict).toBe(verdict);
  });
});

describe('the lock file', () => {
  it('vouches for every package that runs', () => {
    expect(unvouched(JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')))).toEqual([]);
  });

  it('is seen not to', () => {
    const packages = { '': {}, 'node_modules/a': { integrity: 'sha512-x' }, 'node_modules/b': {}, 'node_modules/c': { dev: true } };
    expect(unvouched({ packages })).toEqual(['node_modules/b']);
  });
});
