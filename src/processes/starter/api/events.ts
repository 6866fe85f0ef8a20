import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import { failureOf } from '../../../model/failure.ts';
import { statusOfSites, type ControlParts } from '../parts.ts';

const EVERY_MS = 1_000;
/** Of the time, what is spent on reading the ledger: a large one is read less often. */
const SHARE = 1 / 5;
/** A proxy in between ends what is silent for long. */
const SILENCE_MS = 15_000;
/** More listeners than people: something opens them and never lets go. */
const MOST_LISTENERS = 200;
const MOST_UNREAD = 1024 * 1024;

/**
 * `GET /events`: server-sent events. `sites`, with what `GET /sites` answers, at once and then whenever it changes; `away` while the ledger does not answer; `still` where there was nothing else to say for 15 s.
 * The ledger is read once for all who listen, and not at all while nobody does.
 */
export function eventRoutes(server: FastifyInstance, parts: ControlParts): void {
  const listeners = new Set<ServerResponse>();
  let latest: string | undefined;
  let saidAt = 0;
  let timer: NodeJS.Timeout | undefined;
  /** One loop for all: also while the first look of it is under way. */
  let looking = false;

  const say = (text: string, to: Iterable<ServerResponse> = listeners): void => {
    for (const listener of to) {
      // Whoever stays and does not read would have us keep all of it.
      if (listener.writableLength > MOST_UNREAD) listener.destroy();
      else listener.write(text);
    }
    saidAt = performance.now();
  };
  const look = async (): Promise<void> => {
    looking = true;
    const began = performance.now();
    const now = await read(parts);
    if (now !== latest) say(now);
    else if (performance.now() - saidAt > SILENCE_MS) say('event: still\ndata: {}\n\n');
    latest = now;
    const pauseMs = Math.max(EVERY_MS, (performance.now() - began) / SHARE);
    if (listeners.size > 0) timer = setTimeout(() => void look(), pauseMs).unref();
    else [looking, latest] = [false, undefined];
  };

  server.get('/events', (_request, reply) => {
    if (listeners.size >= MOST_LISTENERS) return void reply.code(503).header('retry-after', '30').send();
    void reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
    raw.write('retry: 2000\n\n');
    listeners.add(raw);
    raw.on('close', () => listeners.delete(raw));
    if (latest !== undefined) say(latest, [raw]);
    if (!looking) void look();
  });

  server.addHook('onClose', async () => {
    clearTimeout(timer);
    for (const listener of listeners) listener.end();
  });
}

async function read(parts: ControlParts): Promise<string> {
  try {
    const items = await statusOfSites(parts);
    return `event: sites\ndata: ${JSON.stringify({ items })}\n\n`;
  } catch (thrown) {
    const { code, message } = failureOf(thrown);
    return `event: away\ndata: ${JSON.stringify({ error: { code, message } })}\n\n`;
  }
}
