import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { TwinportError } from '../../src/model/failure.ts';
import { createLogger, redact, registerPassingSecret, registerSecrets, strike, type LoggerOptions } from '../../src/telemetry/index.ts';

function logged(options: LoggerOptions, use: (logger: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  use(createLogger({ color: false, ...options, write: (line) => lines.push(line) }));
  return lines.join('');
}

describe('createLogger', () => {
  it('writes an object a line, with the level’s name and a readable time', () => {
    const line = logged({ format: 'json', base: { command: 'starter' } }, (log) => log.info({ site: 'eu' }, 'ready'));
    const time = expect.stringMatching(/^\d{4}-.*Z$/);
    expect(JSON.parse(line)).toEqual({ level: 'info', time, command: 'starter', site: 'eu', msg: 'ready' });
  });

  it('writes a line for people, and a stack for defects alone', () => {
    const ours = new TwinportError('DENIED', 'the registry said no');
    const line = logged({ format: 'text' }, (log) => log.error({ err: ours, site: 'eu', note: 'two words' }, 'cannot push'));
    expect(line).toMatch(/^\d\d:\d\d:\d\d error cannot push DENIED: the registry said no site=eu note="two words"\n$/);
    expect(logged({ format: 'text' }, (log) => log.error(new TypeError('x is undefined')))).toMatch(/error x is undefined\n.*\n +at /s);
  });

  it('keeps below its level still', () => {
    expect(logged({ level: 'warn' }, (log) => log.info('not this'))).toBe('');
  });
});

describe('secrets', () => {
  it('are struck out wherever they turn up, in JSON and text, in errors and stacks', () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      publicKeyEncoding: { type: 'spki', format: 'pem' },
    });
    const secrets = ['hunter2', 'quo"ted\\secret', 'hunter2-longer', privateKey];
    registerSecrets(secrets);
    for (const format of ['json', 'text'] as const) {
      const text = logged({ format }, (log) => {
        log.error(
          { err: new Error('hunter2 was refused'), list: secrets, deep: { deeper: { key: privateKey } } },
          'login as hunter2-longer failed',
        );
        log.info(`the key is ${privateKey.split('\n')[1] ?? ''}`);
      });
      expect(text).toContain('[hidden]');
      expect(text).not.toMatch(/hunter2|longer|ted\\+secret/);
      expect(text).not.toContain(privateKey.split('\n')[1]);
    }
  });

  it.each([
    ['Authorization: Bearer abcdef.ghijkl', 'Authorization: Bearer [hidden]'],
    ['{"headers":{"authorization":"geoSecret1","accept":"x"}}', '{"headers":{"authorization":"[hidden]","accept":"x"}}'],
    ['GET https://robot:pw@r.example.com/v2/', 'GET https://robot:[hidden]@r.example.com/v2/'],
    ['token eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0x.c2lnbmF0dXJl was refused', 'token [hidden] was refused'],
    ['GET https://r.example.com:5000/v2/a@sha256:00', 'GET https://r.example.com:5000/v2/a@sha256:00'],
  ])('that nobody registered are known by their place: %s', (text, clean) => expect(redact(text)).toBe(clean));

  it('are struck out as they stand in URLs and forms', () => {
    registerSecrets(['s p/c+l']);
    expect(redact('?a=s%20p%2Fc%2Bl&b=s+p%2Fc%2Bl')).toBe('?a=[hidden]&b=[hidden]');
  });

  it('that end by themselves are remembered for a while', () => {
    registerPassingSecret('passing-1');
    expect(redact('passing-1')).toBe('[hidden]');
    for (let n = 2; n <= 201; n++) registerPassingSecret(`passing-of-${n}`);
    expect(redact('passing-of-201 passing-of-2 passing-1')).toBe('[hidden] [hidden] passing-1');
  });

  it('that only the caller knows can be struck out too', () => {
    expect(strike('Bearer abc-def and abc-def', ['abc-def'])).toBe('Bearer [hidden] and [hidden]');
    expect(strike('nothing', [])).toBe('nothing');
  });
});
