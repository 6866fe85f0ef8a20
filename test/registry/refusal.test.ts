import { describe, expect, it } from '@jest/globals';
import { refusal } from '../../src/registry/refusal.ts';
import type { Endpoint } from '../../src/registry/endpoint.ts';
import { isTwinportError, type FailureCode, type Retry } from '../../src/model/failure.ts';
import { isRegistryError } from '../../src/registry/errors.ts';
import { retryAfterMs, retryAfterOf } from '../../src/registry/transport/retry-after.ts';
import { createTokenCache } from '../../src/registry/auth/token-cache.ts';

const endpoint = {
  name: 'eu',
  side: 'secondary',
  url: 'https://r',
  kind: 'oci',
  auth: { type: 'none' },
  limits: { requests: 1, transfers: 1 },
} as Endpoint;
const peer = { endpoint, host: 'r:443' };
const errors = (code: string, message = '', detail?: unknown): string => JSON.stringify({ errors: [{ code, message, detail }] });

describe('refusal', () => {
  it.each<[string, number, string, FailureCode, Retry]>([
    ['GET', 401, '', 'UNAUTHORIZED', 'later'],
    ['GET', 403, errors('DENIED'), 'DENIED', 'never'],
    ['PUT', 403, errors('DENIED', 'storage quota exceeded'), 'QUOTA', 'never'],
    ['PUT', 412, errors('DENIED', 'adding 5 MiB will exceed the configured upper limit of quota'), 'QUOTA', 'never'],
    ['PUT', 412, errors('DENIED', 'no'), 'INVALID', 'never'],
    ['GET', 404, '404 page not found', 'NOT_FOUND', 'later'],
    ['PUT', 404, errors('BLOB_UPLOAD_UNKNOWN'), 'UPLOAD_LOST', 'now'],
    ['PUT', 404, errors('MANIFEST_BLOB_UNKNOWN'), 'BLOB_UNKNOWN', 'now'],
    ['POST', 404, errors('NAME_UNKNOWN'), 'NOT_FOUND', 'later'],
    ['DELETE', 405, errors('UNSUPPORTED'), 'UNSUPPORTED', 'never'],
    ['GET', 408, '', 'UNAVAILABLE', 'now'],
    ['GET', 425, '', 'UNAVAILABLE', 'now'],
    ['PUT', 413, '<html>too large</html>', 'TOO_LARGE', 'never'],
    ['PATCH', 416, errors('RANGE_INVALID'), 'UPLOAD_LOST', 'now'],
    ['GET', 429, '', 'RATE_LIMITED', 'now'],
    ['PUT', 400, errors('MANIFEST_INVALID'), 'INVALID', 'never'],
    ['PUT', 400, errors('MANIFEST_BLOB_UNKNOWN'), 'BLOB_UNKNOWN', 'now'],
    ['PUT', 400, errors('MANIFEST_INVALID', 'manifest invalid', 'http: request body too large'), 'TOO_LARGE', 'never'],
    ['PUT', 409, errors('TAG_IMMUTABLE'), 'INVALID', 'never'],
    ['GET', 500, '', 'UNAVAILABLE', 'now'],
    ['PUT', 500, errors('MANIFEST_INVALID'), 'INVALID', 'never'],
    ['PUT', 500, JSON.stringify({ errors: [{ code: 'UNKNOWN' }, { code: 'MANIFEST_BLOB_UNKNOWN' }] }), 'INVALID', 'never'],
    ['PUT', 500, errors('UNKNOWN', 'unknown error', 'write /x: no space left on device'), 'QUOTA', 'never'],
    ['PUT', 507, '', 'QUOTA', 'never'],
    ['GET', 502, '<html>', 'UNAVAILABLE', 'now'],
    ['GET', 304, '', 'PROTOCOL', 'later'],
    ['GET', 204, '', 'PROTOCOL', 'later'],
  ])('of %s: %i %s is %s (%s)', (method, status, text, code, retry) => {
    const failure = refusal(peer, { method: method as 'GET', path: 'x', repository: 'a/b', scope: 'pull', accept: [] }, { status, text });
    expect(failure).toMatchObject({
      name: 'RegistryError',
      code,
      retry,
      status,
      host: 'r:443',
      side: 'secondary',
      repository: 'a/b',
      method,
    });
    expect(isTwinportError(failure) && isRegistryError(failure)).toBe(true);
  });

  it("tells the registry's own codes, its words and the digest that it misses, in one sentence", () => {
    const digest = `sha256:${'e'.repeat(64)}`;
    const text = errors('MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', { digest });
    const failure = refusal(
      peer,
      { method: 'PUT', path: 'manifests/v1', repository: 'a/b', scope: 'push', accept: [201] },
      { status: 400, text },
    );
    expect(failure.message).toBe(
      `secondary "eu" (r:443): PUT manifests/v1 of a/b: answered 400 MANIFEST_BLOB_UNKNOWN (blob unknown to registry ${digest})`,
    );
    expect(failure.codes).toEqual(['MANIFEST_BLOB_UNKNOWN']);
  });

  it('says that the disk is full where only the details do', () => {
    const request = { method: 'PATCH', path: 'an upload', scope: 'push', accept: [] } as const;
    const text = errors('UNKNOWN', 'unknown error', 'write /data/x: no space left on device');
    expect(refusal(peer, request, { status: 500, text }).message).toMatch(/500 UNKNOWN \(unknown error: no space left\)$/);
    const said = errors('DENIED', 'quota exceeded');
    expect(refusal(peer, request, { status: 403, text: said }).message).toMatch(/403 DENIED \(quota exceeded\)$/);
  });

  it('shows no queries, no credentials, no control characters, and not too much', () => {
    const text = errors('DENIED', `see https://user:secret1@host/x?sig=secret2 and\u001b[31m ${'y'.repeat(1000)}`);
    const { message } = refusal(peer, { method: 'GET', path: 'x', scope: 'pull', accept: [] }, { status: 403, text });
    expect(message).not.toContain('secret');
    expect(message).not.toContain('\u001b');
    expect(message.length).toBeLessThan(400);
  });

  it.each(['{"errors":null}', '{"errors":[null,1]}', '[]', 'null', '{"errors":[{"code":5}]}', '{'])('survives the body %s', (text) => {
    expect(refusal(peer, { method: 'GET', path: 'x', scope: 'pull', accept: [] }, { status: 400, text })).toMatchObject({
      code: 'INVALID',
      codes: [],
    });
  });

  it('tells of a wrong clock where it may be why our own tokens are refused', () => {
    const request = { method: 'GET', path: 'x', scope: 'pull', accept: [] } as const;
    const signing = { ...peer, endpoint: { ...endpoint, auth: { type: 'token-key', key: '', issuer: '', service: '' } } } as typeof peer;
    const said = (of: typeof peer, status: number, minutes: number): string =>
      refusal(of, request, { status, text: errors('UNAUTHORIZED', 'no'), date: new Date(Date.now() + minutes * 60_000).toUTCString() })
        .message;
    expect(said(signing, 401, 60)).toMatch(/401 UNAUTHORIZED \(no\) to a token .* where the clock is 60 min behind the registry’s$/);
    expect(said(signing, 401, -60)).toMatch(/where the clock is 60 min ahead of the registry’s$/);
    // In good time, of another's making, or refused for another reason.
    for (const message of [said(signing, 401, 0), said(peer, 401, 60), said(signing, 403, 60)]) expect(message).toMatch(/\(no\)$/);
  });
});

describe('retryAfterMs', () => {
  const now = Date.parse('2026-11-24T12:00:00Z');
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['soon', undefined],
    ['3', 3000],
    [' 0 ', 0],
    ['100000', 300_000],
    ['Tue, 24 Nov 2026 12:00:10 GMT', 10_000],
    ['Tue, 24 Nov 2026 11:00:00 GMT', 0],
    ['Tue, 24 Nov 2037 11:00:00 GMT', 300_000],
  ])('of %j is %j', (header, expected) => {
    expect(retryAfterMs(header, now)).toBe(expected);
  });

  it('counts a date from the Date of the answer, whatever our own clock says', () => {
    const ahead = (ms: number): string => new Date(Date.now() + 3_600_000 + ms).toUTCString();
    expect(retryAfterOf({ date: ahead(0), 'retry-after': ahead(2_000) })).toBe(2_000);
    expect(retryAfterOf({ date: ahead(-7_200_000), 'retry-after': ahead(-7_198_000) })).toBe(2_000);
    expect(retryAfterOf({ 'retry-after': ahead(0) })).toBe(300_000);
    expect(retryAfterOf({ date: 'noon', 'retry-after': '3' })).toBe(3_000);
  });
});

describe('createTokenCache', () => {
  it('renews at two thirds, or 10 s before the end, or at half for a body that can be sent only once', async () => {
    let now = 0;
    let made = 0;
    const cache = createTokenCache(() => now);
    const get = (fresh = false, lifeMs = 60_000) => cache.get('k', fresh, async () => ({ value: `t${++made}`, lifeMs }));
    expect(await get()).toBe('t1');
    now = 29_999;
    expect([await get(), await get(true)]).toEqual(['t1', 't1']);
    now = 30_001;
    expect([await get(), await get(true)]).toEqual(['t1', 't2']);
    now += 40_001;
    expect(await get(false, 18_000)).toBe('t3');
    now += 8_999;
    expect(await get()).toBe('t3');
    now += 2;
    expect(await get()).toBe('t4');
  });

  it('forgets only the token that was refused, and keeps no failure', async () => {
    const cache = createTokenCache(() => 0);
    const make = (value: string) => cache.get('k', false, async () => ({ value, lifeMs: 1000 }));
    await expect(cache.get('k', false, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await make('a')).toBe('a');
    cache.drop('k', 'other');
    expect(await make('b')).toBe('a');
    cache.drop('k', 'a');
    expect(await make('b')).toBe('b');
  });
});
