import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { eventSource, eventSources } from '../../src/events/index.ts';
import type { ParsedEvents } from '../../src/model/change.ts';

interface Fixture {
  readonly contentType: string;
  readonly body: unknown;
  readonly expected: ParsedEvents;
}

const folder = new URL('../fixtures/events/', import.meta.url);
const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value, null, 3));

describe.each(Object.keys(eventSources))('%s', (name) => {
  const files = readdirSync(new URL(`${name}/`, folder)).filter((file) => file.endsWith('.json'));

  it('has fixtures of a push, a delete and of noise', () => {
    for (const kind of ['push', 'delete', 'noise']) expect(files.some((file) => file.startsWith(kind))).toBe(true);
  });

  it.each(files)('%s', (file) => {
    const fixture = JSON.parse(readFileSync(new URL(`${name}/${file}`, folder), 'utf8')) as Fixture;
    expect(eventSource(name)?.parse(bytes(fixture.body))).toEqual(fixture.expected);
  });

  it.each([
    ['not JSON', 'hello', /not JSON/],
    ['not UTF-8', Buffer.from([0x7b, 0xff]), /not JSON/],
    ['empty', '', /not JSON/],
    ['a list', '[]', /^the body: .*object/],
    ['null', 'null', /^the body: /],
    ['no events', '{}', /^events: .*array/],
    ['events of another kind', '{"events":{"a":1}}', /^events: .*array/],
  ])('refuses an envelope that is %s', (_what, body, message) => {
    expect(() => eventSource(name)?.parse(Buffer.from(body))).toThrow(
      expect.objectContaining({ code: 'INVALID', message: expect.stringMatching(message) }),
    );
  });
});

it('knows no source by the name of an object’s own machinery', () => {
  expect(eventSource('constructor')).toBeUndefined();
  expect(eventSource('__proto__')).toBeUndefined();
});

it('counts under words of a closed list, whatever a sender writes', () => {
  const events = Array.from({ length: 50 }, (_, at) => ({ action: `action-${at}`, target: { repository: 'a' } }));
  expect(eventSource('distribution')?.parse(bytes({ events })).ignored).toEqual({ 'unknown action': 50 });
  expect(eventSource('distribution')?.parse(bytes({ events: [{ action: '__proto__' }] })).ignored).toEqual({ 'unknown action': 1 });
});
