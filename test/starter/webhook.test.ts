import { describe, expect, it } from '@jest/globals';
import { syncImageId, syncRepositoryId } from '../../src/model/names.ts';
import { digest } from '../ledger/support.ts';
import { drained, envelope, onceEach, SECRET, signalsTo, until, useStarter } from './support.ts';

const world = useStarter();
const EVENTS = '/events/distribution';

const signalsOf = (id: string) => signalsTo(world.client, id);
const told = async (id: string) => onceEach(await signalsOf(id));

describe('who may send', () => {
  const body = envelope({ repository: 'who', tag: 'v1', digest: digest(1) });
  it.each([
    [EVENTS, SECRET, 202],
    [EVENTS, `Bearer ${SECRET}`, 202],
    [EVENTS, `${SECRET}x`, 401],
    [EVENTS, SECRET.toLowerCase(), 401],
    [EVENTS, 'Bearer ', 401],
    [EVENTS, '', 401],
    ['/api/v4/container_registry_event/events', 'gitlabsOwnSecret1', 202],
    ['/api/v4/container_registry_event/events', SECRET, 401],
    ['/events/gitlab', 'gitlabsOwnSecret1', 202],
    ['/events/nobody', SECRET, 404],
    ['/events/constructor', SECRET, 404],
    [`${EVENTS}/${SECRET}`, '', 404],
  ])('%s with "%s": %i', async (path, authorization, status) => {
    const answer = await world.post(path, body, { authorization });
    expect(answer.status).toBe(status);
    if (status >= 400)
      expect(await answer.json()).toEqual({ error: expect.objectContaining({ code: status === 401 ? 'UNAUTHORIZED' : 'NOT_FOUND' }) });
  });

  it('is asked before the body is read', async () => {
    expect((await world.post(EVENTS, 'x'.repeat(5 * 1024 * 1024), { authorization: 'wrong' })).status).toBe(401);
  });
});

describe('what may be sent', () => {
  it.each([
    ['hello', 'INVALID', undefined],
    ['', 'INVALID', undefined],
    ['{"events":{}}', 'INVALID', 'events'],
    ['[]', 'INVALID', undefined],
  ])('%j is no envelope: 400', async (body, code, path) => {
    const answer = await world.post(EVENTS, body);
    expect(answer.status).toBe(400);
    expect(((await answer.json()) as { error: object }).error).toEqual({
      code,
      message: expect.any(String),
      ...(path === undefined ? {} : { path }),
    });
  });

  it('takes 4 MiB and no more', async () => {
    const frame = JSON.stringify({ events: [], padding: '' }).length;
    const padded = (bytes: number) => JSON.stringify({ events: [], padding: 'x'.repeat(bytes - frame) });
    expect((await world.post(EVENTS, padded(4 * 1024 * 1024))).status).toBe(202);
    const answer = await world.post(EVENTS, padded(4 * 1024 * 1024 + 1));
    expect(answer.status).toBe(413);
    expect(await answer.json()).toMatchObject({ error: { code: 'TOO_LARGE' } });
  });

  it.each([
    'application/vnd.docker.distribution.events.v1+json',
    'application/vnd.docker.distribution.events.v2+json',
    'application/json',
    'application/json; charset=utf-8',
  ])('takes %s', async (type) => {
    expect((await world.post(EVENTS, { events: [] }, { 'content-type': type })).status).toBe(202);
  });

  it('acknowledges and counts what it cannot use', async () => {
    const answer = await world.post(EVENTS, {
      events: [{ action: 'explode' }, 7, { action: 'push', target: { repository: 'NO', tag: 'x' } }],
    });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toEqual({
      accepted: 0,
      ignored: { 'unknown action': 1, malformed: 1, 'bad name': 1 },
      sent: 0,
      stored: 0,
      outOfScope: 0,
    });
  });
});

describe('what becomes of it', () => {
  it('a tag’s push is a signal to its image’s workflow at each site', async () => {
    const answer = await world.post(EVENTS, envelope({ repository: 'become/image', tag: 'v1', digest: digest(7) }));
    expect(await answer.json()).toMatchObject({ accepted: 1, outOfScope: 0 });
    await drained(world);
    for (const site of ['eu', 'us']) {
      expect(await told(syncImageId(site, 'become/image', 'v1'))).toEqual([
        { tag: 'v1', digest: digest(7), receivedAt: expect.any(Number) },
      ]);
    }
  });

  it('tagless pushes and deletes are signals to the repository’s workflow, and start none of an image', async () => {
    await world.post(EVENTS, envelope({ repository: 'become/repository', digest: digest(8) }));
    await world.post(EVENTS, envelope({ repository: 'become/repository', tag: 'v1' }, 'delete'));
    await drained(world);
    const signals = await told(syncRepositoryId('eu', 'become/repository'));
    expect(signals).toHaveLength(2);
    expect(signals).toEqual(
      expect.arrayContaining([
        { kind: 'digest', digest: digest(8), receivedAt: expect.any(Number) },
        { kind: 'deleted', tag: 'v1', receivedAt: expect.any(Number) },
      ]),
    );
    await expect(world.client.workflow.getHandle(syncImageId('eu', 'become/repository', 'v1')).describe()).rejects.toThrow(/not found/i);
  });

  it('what no site replicates is counted and starts nothing', async () => {
    const answer = await world.post(EVENTS, envelope({ repository: 'twinport/doctor', tag: 'v1', digest: digest(1) }));
    expect(await answer.json()).toMatchObject({ accepted: 1, sent: 0, stored: 0, outOfScope: 1 });
  });

  it('events are written down', async () => {
    await world.post(EVENTS, envelope({ repository: 'become/recorded', tag: 'v1', digest: digest(9) }));
    const row = await until(() =>
      world.ledger.db.selectFrom('events').selectAll().where('repository', '=', 'become/recorded').executeTakeFirst(),
    );
    expect(row).toMatchObject({ source: 'distribution', action: 'push', tag: 'v1', digest: digest(9), event_id: 'e-1' });
  });

  it('a storm of pushes to one tag is few signals, and none is refused', async () => {
    const storm = Array.from({ length: 120 }, (_, n) =>
      world.post(EVENTS, envelope({ repository: 'storm', tag: 'v1', digest: digest(n) })),
    );
    const answers = await Promise.all(storm);
    expect(answers.map(({ status }) => status).filter((status) => status !== 202)).toEqual([]);
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { stored: number }[];
    const stored = bodies.reduce((sum, body) => sum + body.stored, 0);
    // What Temporal did not take at once waits in the inbox.
    await drained(world);
    const signals = await signalsOf(syncImageId('eu', 'storm', 'v1'));
    // How many depends on how fast they come, and on how many were told twice; that some are merged does not.
    expect(signals.length).toBeLessThan(120 + stored);
  });

  it('a large envelope goes to the inbox in one piece, and is drained', async () => {
    const events = Array.from({ length: 300 }, (_, n) => ({
      action: 'push',
      target: { repository: 'large/app', tag: `t${n}`, digest: digest(n) },
    }));
    const answer = await world.post(EVENTS, { events });
    expect(answer.status).toBe(202);
    expect(await answer.json()).toMatchObject({ sent: 0, stored: 600 });
    await drained(world);
    expect(await told(syncImageId('us', 'large/app', 't299'))).toHaveLength(1);
  });
});
