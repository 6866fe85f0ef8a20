import { performance } from 'node:perf_hooks';
import { createServer, connect } from 'node:net';
import { createServer as createHttpServer, request, Agent } from 'node:http';

/*
 * What stands between a tool and a registry, in a process of its own: a line that is long or narrow (bytes are passed on as they are), or
 * a gate that counts requests and bytes. The parent says which by a message `{ kind, port, delayMs?, bytesPerSecond? }` and gets
 * `{ port }`; to `counts` it gets what passed since it was asked last.
 */
const nothing = () => ({ requests: {}, bytes: 0, uploads: 0, uploadedBytes: 0 });
let counted = nothing();

process.on('message', (asked) => {
  if (asked === 'counts') {
    process.send(counted);
    counted = nothing();
    return;
  }
  const server = asked.kind === 'line' ? line(asked) : gate(asked);
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
});
process.once('disconnect', () => process.exit());

/** A TCP line. A connection takes one way there and back before anything passes, as a handshake does. */
function line({ port, delayMs = 0, bytesPerSecond = Infinity }) {
  return createServer({ noDelay: true, pauseOnConnect: true }, (near) => {
    const far = connect({ port, host: '127.0.0.1', noDelay: true });
    const opened = performance.now() + 2 * delayMs;
    pass(near, far, { delayMs, bytesPerSecond: Infinity, opened });
    pass(far, near, { delayMs, bytesPerSecond, opened });
  });
}

function pass(from, to, { delayMs, bytesPerSecond, opened }) {
  const under = [];
  let free = opened;
  let held = 0;
  // Timers of the same millisecond may fire in any order: each brings what is next, not what it was set for.
  const send = (what, at) => {
    under.push(what);
    setTimeout(() => under.shift()(), Math.max(0, at - performance.now()));
  };
  from.on('data', (chunk) => {
    const now = performance.now();
    free = Math.max(now, free) + (chunk.length / bytesPerSecond) * 1000;
    held += chunk.length;
    if (held > WINDOW) from.pause();
    send(
      () => {
        held -= chunk.length;
        if (held <= WINDOW) from.resume();
        if (!to.destroyed) to.write(chunk);
      },
      Math.max(free, now, opened) + delayMs,
    );
  });
  from.once('end', () => send(() => to.end(), Math.max(free, performance.now()) + delayMs));
  from.once('error', () => to.destroy());
  from.once('close', () => send(() => to.destroy(), Math.max(free, performance.now()) + delayMs));
  from.resume();
}

/** What may be on its way at a time: a window that does not limit what the line carries (bandwidth times delay is less). */
const WINDOW = 8 * 2 ** 20;

/** An HTTP proxy that counts requests by method, the bytes of bodies both ways, and of these what was sent of blobs. */
function gate({ port }) {
  const agent = new Agent({ keepAlive: true });
  return createHttpServer((incoming, outgoing) => {
    counted.requests[incoming.method] = (counted.requests[incoming.method] ?? 0) + 1;
    const { method, url, headers } = incoming;
    const upload = url.includes('/blobs/uploads/');
    if (upload && method === 'POST') counted.uploads += 1;
    const asked = request({ port, host: '127.0.0.1', method, path: url, headers, agent }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.rawHeaders);
      answer.on('data', (chunk) => (counted.bytes += chunk.length));
      answer.pipe(outgoing);
    });
    asked.once('error', () => outgoing.destroy());
    outgoing.once('close', () => asked.destroy());
    incoming.on('data', (chunk) => {
      counted.bytes += chunk.length;
      if (upload) counted.uploadedBytes += chunk.length;
    });
    incoming.pipe(asked);
  });
}
