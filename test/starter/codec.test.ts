import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { createAccess } from '../../src/processes/starter/access.ts';
import { codecRoutes } from '../../src/processes/starter/codec.ts';
import { createServer } from '../../src/processes/starter/server.ts';
import { createPayloadCodec } from '../../src/processes/temporal/payload-codec.ts';

const TOKEN = 'the-token';
const UI = 'https://temporal.example.com';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const plain = {
  payloads: [{ metadata: { encoding: base64('json/plain') }, data: base64('"a name"') }, { metadata: { encoding: base64('binary/null') } }],
};

describe('the codec endpoint', () => {
  let server: FastifyInstance;
  const encryption = { keys: [{ id: 'one', key: randomBytes(32) }], encrypt: true };

  beforeAll(async () => {
    server = createServer(pino({ level: 'silent' }));
    // Not on loopback: reading wants the token.
    await server.register(codecRoutes({ codec: createPayloadCodec(encryption), webUis: [UI], access: createAccess(TOKEN, '0.0.0.0') }));
  });
  afterAll(() => server.close());

  const ask = (direction: string, body: unknown, headers: Record<string, string> = {}) =>
    server.inject({
      method: 'POST',
      url: `/codec/${direction}`,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', ...headers },
      payload: typeof body === 'string' ? body : JSON.stringify(body),
    });

  it('encrypts and decrypts in the form that `temporal` and the Web UI use', async () => {
    const sealed = (await ask('encode', plain)).json<{ payloads: { metadata: Record<string, string> }[] }>();
    expect(sealed.payloads.map(({ metadata }) => metadata['encoding'])).toEqual([base64('binary/encrypted'), base64('binary/encrypted')]);
    expect((await ask('decode', sealed)).json()).toEqual({ payloads: [plain.payloads[0], { ...plain.payloads[1], data: '' }] });
  });

  it('takes a message without payloads, as it is written', async () => {
    expect((await ask('decode', '{}')).json()).toEqual({ payloads: [] });
  });

  it('answers nobody without the token', async () => {
    for (const authorization of ['', 'Bearer wrong', TOKEN]) expect((await ask('decode', plain, { authorization })).statusCode).toBe(401);
  });

  it.each([['{'], ['[]'], ['{"payloads":[{"data":"no base64!"}]}'], ['{"payloads":[null]}'], ['{"payloads":{}}']])(
    'refuses %s',
    async (body) => expect((await ask('decode', body)).statusCode).toBe(400),
  );

  it('says what lacks of what it cannot decrypt', async () => {
    const metadata = { encoding: base64('binary/encrypted'), 'encryption-key-id': base64('other') };
    const answer = await ask('decode', { payloads: [{ metadata, data: base64('x') }] });
    expect(answer.statusCode).toBe(400);
    expect(answer.json()).toMatchObject({ error: { code: 'CONFIG', message: expect.stringContaining('the key "other"') } });
  });

  it('lets the pages of the configured Web UI ask, and no others', async () => {
    const permitted = async (origin: string) =>
      (await server.inject({ method: 'OPTIONS', url: '/codec/decode', headers: { origin } })).headers['access-control-allow-origin'];
    expect(await permitted(UI)).toBe(UI);
    expect(await permitted('https://evil.example.com')).toBeUndefined();
    expect((await ask('decode', plain, { origin: UI })).headers['access-control-allow-origin']).toBe(UI);
  });
});
