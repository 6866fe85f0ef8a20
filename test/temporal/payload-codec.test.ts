import { describe, expect, it } from '@jest/globals';
import { createDecipheriv, randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { createPayloadCodec } from '../../src/processes/temporal/payload-codec.ts';

const [first, second] = [randomBytes(32), randomBytes(32)];
const plain = { repository: 'secret/app', tag: 'v1' };
const payload = defaultPayloadConverter.toPayload(plain);
const codecOf = (keys: { id: string; key: Uint8Array }[], encrypt = true) => createPayloadCodec({ keys, encrypt });
const read = (payloads: Payload[]): unknown[] => payloads.map((one) => defaultPayloadConverter.fromPayload(one));

describe('the payload codec', () => {
  it('encrypts in the form of Temporal’s samples: nonce, AES-256-GCM of the whole payload, tag', async () => {
    const [sealed] = await codecOf([{ id: 'one', key: first }]).encode([payload]);
    expect(Buffer.from(sealed?.metadata?.['encoding'] ?? []).toString()).toBe('binary/encrypted');
    expect(Buffer.from(sealed?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('one');
    const data = Buffer.from(sealed?.data ?? []);
    expect(data.includes('secret')).toBe(false);
    const decipher = createDecipheriv('aes-256-gcm', first, data.subarray(0, 12)).setAuthTag(data.subarray(-16));
    const inner = Buffer.concat([decipher.update(data.subarray(12, -16)), decipher.final()]);
    expect(read([proto.temporal.api.common.v1.Payload.decode(inner)])).toEqual([plain]);
  });

  it('never makes the same twice', async () => {
    const codec = codecOf([{ id: 'one', key: first }]);
    const [a, b] = await codec.encode([payload, payload]);
    expect(Buffer.from(a?.data ?? []).equals(Buffer.from(b?.data ?? []))).toBe(false);
    expect(read(await codec.decode([a, b] as Payload[]))).toEqual([plain, plain]);
  });

  it('encrypts with the first key and decrypts with any, so that keys can change', async () => {
    const before = await codecOf([{ id: 'old', key: first }]).encode([payload]);
    const rotated = codecOf([
      { id: 'new', key: second },
      { id: 'old', key: first },
    ]);
    expect(read(await rotated.decode(before))).toEqual([plain]);
    const after = await rotated.encode([payload]);
    expect(Buffer.from(after[0]?.metadata?.['encryption-key-id'] ?? []).toString()).toBe('new');
  });

  it('takes what is not encrypted as it is: histories of before, and signals from the command line', async () => {
    expect(read(await codecOf([{ id: 'one', key: first }]).decode([payload]))).toEqual([plain]);
    const careful = codecOf([{ id: 'one', key: first }], false);
    expect(await careful.encode([payload])).toEqual([payload]);
    expect(read(await careful.decode(await codecOf([{ id: 'one', key: first }]).encode([payload])))).toEqual([plain]);
  });

  it('says which key is missing, and of what was changed that it was', async () => {
    const sealed = await codecOf([{ id: 'one', key: first }]).encode([payload]);
    const failure = async (keys: { id: string; key: Uint8Array }[], payloads = sealed): Promise<unknown> =>
      codecOf(keys)
        .decode(payloads)
        .then(
          () => 'decrypted',
          (thrown: unknown) => thrown,
        );
    const names = (text: string) => ({ code: 'CONFIG', message: expect.stringContaining(text) });
    expect(await failure([])).toMatchObject(names('encrypted with the key "one": none is configured'));
    expect(await failure([{ id: 'two', key: second }])).toMatchObject(names('there is two'));
    expect(await failure([{ id: 'one', key: second }])).toMatchObject(names('another key has this id'));
    for (const at of [0, 12, -1]) {
      const data = Buffer.from(sealed[0]?.data ?? []);
      data.writeUInt8(data.readUInt8((at + data.length) % data.length) ^ 1, (at + data.length) % data.length);
      expect(await failure([{ id: 'one', key: first }], [{ ...sealed[0], data }])).toMatchObject(names('it was changed'));
    }
    expect(await failure([{ id: 'one', key: first }], [{ ...sealed[0], data: Buffer.from('short') }])).toMatchObject(
      names('it was changed'),
    );
  });
});
