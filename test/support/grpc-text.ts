import { gunzipSync } from 'node:zlib';

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const [FRAME_HEAD, MESSAGE_HEAD, DATA] = [9, 5, 0];

/**
 * Reads the gRPC messages that go one way over one plain HTTP/2 connection.
 * @returns takes the next bytes, and gives the text of each message that they complete; the bytes of a message as latin1
 */
export function grpcTexts(): (bytes: Buffer) => string[] {
  let frames = Buffer.alloc(0);
  const streams = new Map<number, Buffer>();
  const messages = (stream: number, data: Buffer): string[] => {
    let rest = Buffer.concat([streams.get(stream) ?? Buffer.alloc(0), data]);
    const texts: string[] = [];
    while (rest.length >= MESSAGE_HEAD && rest.length >= MESSAGE_HEAD + rest.readUInt32BE(1)) {
      const end = MESSAGE_HEAD + rest.readUInt32BE(1);
      const body = rest.subarray(MESSAGE_HEAD, end);
      texts.push((rest[0] === 1 ? gunzipSync(body) : body).toString('latin1'));
      rest = rest.subarray(end);
    }
    if (rest.length > 0) streams.set(stream, rest);
    else streams.delete(stream);
    return texts;
  };
  return (bytes) => {
    frames = Buffer.concat([frames, bytes]);
    if (frames.subarray(0, PREFACE.length).equals(PREFACE)) frames = frames.subarray(PREFACE.length);
    const texts: string[] = [];
    while (frames.length >= FRAME_HEAD && frames.length >= FRAME_HEAD + frames.readUIntBE(0, 3)) {
      const end = FRAME_HEAD + frames.readUIntBE(0, 3);
      if (frames[3] === DATA) texts.push(...messages(frames.readUInt32BE(5), frames.subarray(FRAME_HEAD, end)));
      frames = frames.subarray(end);
    }
    return texts;
  };
}
