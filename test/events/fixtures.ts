import { readdirSync, readFileSync } from 'node:fs';
import type { EventMessage, Received } from '../../src/events/index.ts';

/** A message as its sender writes it. */
export interface Fixture {
  /** Where its shape is documented; nothing is recorded from a live cloud. */
  readonly from?: string;
  readonly contentType: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly naming?: string;
  readonly body: unknown;
  /** What it must be read as. */
  readonly expected?: Received;
  /** Of a damaged one: the field that is wrong. */
  readonly path?: string;
}

const folder = new URL('../fixtures/events/', import.meta.url);

/** The names of a source's fixtures. */
export function fixturesOf(source: string): string[] {
  return readdirSync(new URL(`${source}/`, folder)).filter((file) => file.endsWith('.json'));
}

/** One fixture of a source. */
export function readFixture(source: string, file: string): Fixture {
  return JSON.parse(readFileSync(new URL(`${source}/${file}`, folder), 'utf8')) as Fixture;
}

/** A fixture as the parser gets it. */
export function messageOf({ body, contentType, headers, naming }: Fixture): EventMessage {
  return {
    body: new TextEncoder().encode(JSON.stringify(body, null, 3)),
    headers: { 'content-type': contentType, ...headers },
    ...(naming === undefined ? {} : { naming }),
  };
}
