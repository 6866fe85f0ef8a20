// 1. The way of the data begins here: what a registry says has happened becomes `Change`s.
import type { ParsedEvents } from '../model/change.ts';
import { parseDistribution } from './distribution.ts';
import { parseGitlab } from './gitlab.ts';

/** One kind of sender: how its bodies are read. */
export interface EventSource {
  readonly name: string;
  /**
   * Reads one request body.
   * @throws {TwinportError} INVALID where the envelope is not one; single events that cannot be used are counted, never thrown
   */
  parse(body: Uint8Array): ParsedEvents;
}

/** The table of senders, by the name that stands in `POST /events/<source>`. */
export const eventSources: Readonly<Record<string, EventSource>> = {
  distribution: { name: 'distribution', parse: parseDistribution },
  gitlab: { name: 'gitlab', parse: parseGitlab },
};

/** The source of that name, or `undefined`. */
export function eventSource(name: string): EventSource | undefined {
  return Object.hasOwn(eventSources, name) ? eventSources[name] : undefined;
}
