import { describe, expect, it } from '@jest/globals';
import { eventSource, eventSources } from '../../src/events/index.ts';
import { fixturesOf, messageOf, readFixture } from './fixtures.ts';

/** Senders that never tell of a deletion. */
const NO_DELETES: readonly string[] = ['ghcr', 'dockerhub', 'quay'];
const message = (body: unknown, headers = {}) => ({ body: new TextEncoder().encode(JSON.stringify(body)), headers });

describe.each(Object.keys(eventSources))('%s', (name) => {
  const source = eventSources[name]!;
  const files = fixturesOf(name);
  const good = files.filter((file) => !file.startsWith('damaged'));
  const damaged = files.filter((file) => file.startsWith('damaged'));

  it('has fixtures of a push, a delete, noise and damage', () => {
    const kinds = ['push', 'noise', 'damaged', ...(NO_DELETES.includes(name) ? [] : ['delete'])];
    for (const kind of kinds) expect(files.filter((file) => file.startsWith(kind))).not.toEqual([]);
  });

  it('stands under its own name', () => expect(source.name).toBe(name));

  it.each(good)('%s', (file) => {
    const fixture = readFixture(name, file);
    expect(source.parse(messageOf(fixture))).toEqual(fixture.expected);
  });

  it.each(damaged)('%s is refused with the path of the field', (file) => {
    const { path = '?', ...fixture } = readFixture(name, file);
    expect(() => source.parse(messageOf(fixture))).toThrow(
      expect.objectContaining({ code: 'INVALID', path, message: expect.stringMatching(/^[^ ]+: .+; .+/) }),
    );
  });

  it.each([
    ['not JSON', 'hello'],
    ['not UTF-8', Buffer.from([0x7b, 0xff])],
    ['empty', ''],
  ])('refuses what is %s', (_what, body) => {
    expect(() => source.parse({ body: Buffer.from(body), headers: {} })).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringMatching(/not JSON/) }),
    );
  });

  it.each([[null], [7], ['text'], [true]])('refuses %j', (body) => {
    expect(() => source.parse(message(body))).toThrow(expect.objectContaining({ code: 'INVALID' }));
  });

  // Whatever is sent: changes and counts, or a refusal, but never a defect.
  it.each([
    [{}],
    [[]],
    [[[]]],
    [{ events: [null] }],
    [{ type: {} }],
    [{ message: null }],
    [{ specversion: '1.0' }],
    [{ action: 'push', target: null }],
  ])('takes or refuses %j', (body) => {
    try {
      expect(source.parse(message(body)).changes).toEqual([]);
    } catch (error) {
      expect(error).toMatchObject({ code: 'INVALID' });
    }
  });
});

it('knows no source by the name of an object’s own machinery', () => {
  expect(eventSource('constructor')).toBeUndefined();
  expect(eventSource('__proto__')).toBeUndefined();
});

it('counts under words of a closed list, whatever a sender writes', () => {
  const events = Array.from({ length: 50 }, (_, at) => ({ action: `action-${at}`, target: { repository: 'a' } }));
  expect(eventSource('distribution')?.parse(message({ events })).ignored).toEqual({ 'unknown action': 50 });
  expect(eventSource('distribution')?.parse(message({ events: [{ action: '__proto__' }] })).ignored).toEqual({ 'unknown action': 1 });
});

it('GitHub’s form has the JSON in a field', () => {
  const { contentType: _json, ...fixture } = readFixture('ghcr', 'push-registry-package.json');
  const body = new URLSearchParams({ payload: JSON.stringify(fixture.body) }).toString();
  const headers = { ...fixture.headers, 'content-type': 'application/x-www-form-urlencoded' };
  expect(eventSource('ghcr')?.parse({ body: new TextEncoder().encode(body), headers })).toEqual(fixture.expected);
});

// What generated cases have found.
describe('an id that the ledger could not hold', () => {
  it('is cleaned, so that it holds up no other event', () => {
    const { changes } = eventSources['distribution']!.parse(
      message({ events: [{ id: 'a\0b\ud800c'.padEnd(300, 'x'), action: 'push', target: { repository: 'team/app', tag: 'v1' } }] }),
    );
    expect(changes[0]?.id).toBe('abc'.padEnd(200, 'x'));
  });
});

it('our own CloudEvents say what happened by their type, whatever their data says', () => {
  const { changes } = eventSources['cloudevents']!.parse(
    message({
      ...{ specversion: '1.0', id: 'e1', source: '/bridge', type: 'twinport.image.pushed' },
      data: { id: ['e2'], action: 'delete', repository: 'team/app', tag: 'v1' },
    }),
  );
  expect(changes).toEqual([{ id: 'e1', source: 'cloudevents', action: 'push', repository: 'team/app', tag: 'v1' }]);
});
