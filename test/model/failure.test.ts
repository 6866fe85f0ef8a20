import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { failureOf, isTwinportError, retryOf, TwinportError, type FailureCode } from '../../src/model/failure.ts';

describe('retryOf', () => {
  it.each<['now' | 'later' | 'never', FailureCode[]]>([
    ['now', ['UNREACHABLE', 'STALLED', 'UNAVAILABLE', 'RATE_LIMITED', 'BLOB_UNKNOWN', 'UPLOAD_LOST', 'LEDGER']],
    ['later', ['UNAUTHORIZED', 'TLS', 'NOT_FOUND', 'DIGEST_MISMATCH', 'SIZE_MISMATCH', 'LISTING', 'PROTOCOL', 'INTERNAL']],
    ['never', ['DENIED', 'UNSUPPORTED', 'INVALID', 'TOO_LARGE', 'QUOTA', 'NAME', 'CANCELLED', 'CONFIG', 'CONFLICT']],
  ])('%s: %j', (retry, codes) => {
    expect(codes.map(retryOf)).toEqual(codes.map(() => retry));
    expect(codes.map((code) => new TwinportError(code, '').retry)).toEqual(codes.map(() => retry));
  });
});

describe('TwinportError', () => {
  it('carries what programs and people need, and no more than was given', () => {
    const cause = new Error('reset');
    const error = new TwinportError('RATE_LIMITED', 'slow down', { cause, retryAfterMs: 5 });
    expect(error).toMatchObject({
      name: 'TwinportError',
      code: 'RATE_LIMITED',
      message: 'slow down',
      retry: 'now',
      retryAfterMs: 5,
      cause,
    });
    const plain = new TwinportError('DENIED', 'no');
    expect([plain.cause, plain.retryAfterMs]).toEqual([undefined, undefined]);
    expect(new TwinportError('DENIED', 'no', { retry: 'later' }).retry).toBe('later');
  });
});

describe('failureOf', () => {
  it.each([
    ['ours', new TwinportError('DENIED', 'no'), { code: 'DENIED', message: 'no', retry: 'never' }],
    [
      'ours, with a wait',
      new TwinportError('RATE_LIMITED', 'slow', { retryAfterMs: 9 }),
      { code: 'RATE_LIMITED', message: 'slow', retry: 'now', retryAfterMs: 9 },
    ],
    ['ours, of another realm', { code: 'TLS', message: 'old', retry: 'later' }, { code: 'TLS', message: 'old', retry: 'later' }],
    ['a foreign error', new Error('x'), { code: 'INTERNAL', message: 'x', retry: 'later' }],
    ['a foreign code', Object.assign(new Error('x'), { code: 'ENOENT', retry: 'now' }), { code: 'INTERNAL', message: 'x', retry: 'later' }],
    ['another realm’s error', runInNewContext('new Error("y")'), { code: 'INTERNAL', message: 'y', retry: 'later' }],
    ['a text', 'gone', { code: 'INTERNAL', message: 'gone', retry: 'later' }],
    ['nothing', undefined, { code: 'INTERNAL', message: 'undefined', retry: 'later' }],
    ['null', null, { code: 'INTERNAL', message: 'null', retry: 'later' }],
  ])('makes a failure of %s, and of nothing but its words', (_, thrown, failure) => {
    expect(failureOf(thrown)).toEqual(failure);
  });

  it('lets no property through that may be a secret', () => {
    const error = Object.assign(new TwinportError('DENIED', 'no', { cause: new Error('Authorization: Basic abc') }), { headers: 'abc' });
    expect(JSON.stringify(failureOf(error))).not.toContain('abc');
  });
});

describe('isTwinportError', () => {
  it.each([
    [new TwinportError('DENIED', ''), true],
    [{ code: 'DENIED', retry: 'never' }, true],
    [{ code: 'toString', retry: 'never' }, false],
    [{ code: 'EPIPE', retry: 'never' }, false],
    [{ code: 'DENIED' }, false],
    ['DENIED', false],
    [null, false],
  ])('%p: %p', (thrown, ours) => {
    expect(isTwinportError(thrown)).toBe(ours);
  });
});
