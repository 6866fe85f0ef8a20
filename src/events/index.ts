// 1. The way of the data begins here: what a registry says has happened becomes `Change`s.
import type { EventSource } from './event-source.ts';
import { acr } from './sources/acr.ts';
import { cloudevents } from './sources/cloudevents.ts';
import { distribution } from './sources/distribution.ts';
import { dockerhub } from './sources/dockerhub.ts';
import { ecr } from './sources/ecr.ts';
import { gar } from './sources/gar.ts';
import { ghcr } from './sources/ghcr.ts';
import { gitlab } from './sources/gitlab.ts';
import { harbor } from './sources/harbor.ts';
import { jfrog } from './sources/jfrog.ts';
import { quay } from './sources/quay.ts';
import { zot } from './sources/zot.ts';

export type { EventMessage, EventSource, Received } from './event-source.ts';

/** The table of senders, by the name that stands in `POST /events/<source>`. */
export const eventSources: Readonly<Record<string, EventSource>> = {
  distribution,
  gitlab,
  harbor,
  acr,
  ecr,
  gar,
  ghcr,
  dockerhub,
  quay,
  zot,
  jfrog,
  cloudevents,
};

/** The source of that name, or `undefined`. */
export function eventSource(name: string): EventSource | undefined {
  return Object.hasOwn(eventSources, name) ? eventSources[name] : undefined;
}
