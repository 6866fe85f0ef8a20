import { describe, expect, it } from '@jest/globals';
import { defaultFailureConverter, defaultPayloadConverter } from '@temporalio/common';
import { applicationFailure, withoutSecrets } from '../../activities/failure.ts';
import { TwinportError } from '../../src/model/failure.ts';
import { registerSecrets } from '../../src/telemetry/index.ts';

/** All that Temporal would keep of it. */
const kept = (thrown: unknown): string =>
  JSON.stringify(defaultFailureConverter.errorToFailure(applicationFailure(thrown), defaultPayloadConverter), (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString() : value,
  );

describe('an activity’s failure', () => {
  it('keeps the code, the message and where it was thrown', () => {
    const failure = applicationFailure(new TwinportError('RATE_LIMITED', 'the host is busy', { retryAfterMs: 3_600_000 }));
    expect(failure).toMatchObject({ type: 'RATE_LIMITED', message: 'the host is busy', nonRetryable: false, nextRetryDelay: 300_000 });
    expect(failure.details).toEqual([{ code: 'RATE_LIMITED', message: 'the host is busy', retry: 'now', retryAfterMs: 3_600_000 }]);
    expect(failure.stack).toMatch(/^ +at .*failure\.test/);
  });

  it('takes no cause with it: a library’s error may hold the request with its headers', () => {
    const library = Object.assign(new Error('401 to GET https://x/?sig=planted-in-cause'), {
      headers: { authorization: 'planted-header' },
    });
    const text = kept(new TwinportError('UNAUTHORIZED', 'refused', { cause: new Error('planted-outer', { cause: library }) }));
    expect(text).toContain('refused');
    expect(text).not.toContain('planted');
  });

  it('is struck clean of known secrets and of what looks like one, a stranger’s message too', () => {
    registerSecrets(['planted-known']);
    const text = kept(new TypeError('cannot use planted-known with Bearer planted.unknown at //user:planted@host'));
    expect(text).toContain('cannot use [hidden]');
    expect(text).not.toContain('planted');
  });

  it('in a result is struck clean as well, and nothing else is changed', () => {
    registerSecrets(['planted-known']);
    const result = {
      message: 'planted-known is a name here',
      failures: [{ tag: 'v1', failure: { code: 'DENIED', message: 'answered 403 (planted-known)', retry: 'never' } }],
      size: 3,
      none: null,
    };
    expect(withoutSecrets(result)).toEqual({
      ...result,
      failures: [{ tag: 'v1', failure: { code: 'DENIED', message: 'answered 403 ([hidden])', retry: 'never' } }],
    });
    expect(withoutSecrets(undefined)).toBeUndefined();
  });
});
