import { beforeEach, describe, expect, it } from '@jest/globals';
import { ping } from '../../src/registry/ping.ts';
import { headManifest } from '../../src/registry/manifests.ts';
import type { Session } from '../../src/registry/session.ts';
import { httpServer } from './support/http-server.ts';
import { eventually } from '../support/eventually.ts';
import { failureOf, testSession } from './support/sessions.ts';

const tag = (session: Session, name = 'v1', signal?: AbortSignal) => headManifest(session, 'a/b', name, signal);

describe('a watched host', () => {
  let mode: 'good' | 'broken' | 'silent' | '503' | 'manifests';
  let asked: string[];
  let told: string[];
  let session: Session;

  beforeEach(async () => {
    mode = 'good';
    // Probes of the test before may still come, to its own server.
    const own: string[] = (asked = []);
    told = [];
    const url = await httpServer((at, request, response) => {
      own.push(at.pathname);
      if (mode === 'broken') return void request.socket.destroy();
      if (mode === 'silent') return;
      const bad = mode === '503' || (mode === 'manifests' && at.pathname.includes('manifests'));
      response.writeHead(bad ? 503 : at.pathname === '/v2/' ? 401 : 404).end();
    });
    const watch = { onAway: (reason: string) => told.push(`away: ${reason}`), onBack: (ms: number) => told.push(`back after ${ms > 0}`) };
    session = testSession(url, { timeouts: { stallMs: 1_500 } }, { watch });
  });
  const probes = (): number => asked.filter((path) => path === '/v2/').length;
  const fail = (times: number) => Promise.all(Array.from({ length: times }, (_, n) => failureOf(tag(session, `v${n}`))));
  const awaited = (what: () => boolean) => eventually(async () => what(), Boolean);

  it.each(['broken', 'silent', '503'] as const)(
    'that is %s is sent nothing but probes until it answers, and that is told once',
    async (how) => {
      mode = how;
      await fail(5);
      await awaited(() => told.length > 0);
      const before = asked.length;
      expect(
        (await fail(50)).every(({ code, message, retry }) => code === 'UNREACHABLE' && message.includes('not sent') && retry === 'now'),
      ).toBe(true);
      expect(asked.slice(before).every((path) => path === '/v2/')).toBe(true);
      const waits = Promise.all(Array.from({ length: 20 }, () => session.untilBack({ waitMs: 20_000 })));
      mode = 'good';
      await waits;
      expect(await tag(session)).toBeUndefined();
      expect(told).toEqual([expect.stringMatching(/^away: .*HEAD|GET manifests/), 'back after true']);
      expect(probes()).toBeLessThan(10);
    },
  );

  it('that answers its probe is not away, whatever becomes of some of the requests', async () => {
    mode = 'manifests';
    await fail(10);
    await awaited(() => probes() > 0);
    await session.untilBack({ waitMs: 0 });
    const before = asked.length;
    await failureOf(tag(session));
    expect(asked.length).toBeGreaterThan(before);
    expect(told).toEqual([]);
  });

  it('is believed to be there after two failures, and where answers come in between', async () => {
    for (let n = 0; n < 5; n++) {
      mode = 'broken';
      await fail(1);
      await failureOf(tag(session));
      mode = 'good';
      await tag(session);
    }
    expect(probes()).toBe(0);
  });

  it('is waited for as long as patience lasts: from the wait’s beginning, or from the outage’s', async () => {
    mode = 'broken';
    await fail(3);
    await awaited(() => told.length > 0);
    expect(await failureOf(session.untilBack({ waitMs: 600 }))).toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining('waited for in vain'),
    });
    const began = performance.now();
    expect(await failureOf(session.untilBack({ outageMs: 500 }))).toMatchObject({ code: 'UNREACHABLE' });
    expect(performance.now() - began).toBeLessThan(400);
    expect(await failureOf(session.untilBack({}, AbortSignal.timeout(50)))).toMatchObject({ code: 'CANCELLED' });
  });

  it('is asked no more once the session is closed', async () => {
    mode = 'broken';
    await fail(3);
    await awaited(() => told.length > 0);
    const waiting = session.untilBack({});
    await session.close();
    await waiting;
    const before = asked.length;
    await new Promise((go) => setTimeout(go, 600));
    expect(asked.length).toBe(before);
    expect(told).toHaveLength(1);
  });

  it('that nobody watches is asked each time', async () => {
    mode = 'broken';
    const url = session.endpoint.url;
    const unwatched = testSession(url);
    for (let n = 0; n < 6; n++) await failureOf(ping(unwatched));
    expect(asked).toHaveLength(6);
  });
});
