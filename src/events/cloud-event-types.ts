import type { CloudEvent } from './cloud-event.ts';
import type { Reading } from './reading.ts';
import { readAcrEvent } from './shapes/acr-event.ts';
import { HARBOR_ARTIFACTS, readHarborArtifacts } from './shapes/harbor-artifacts.ts';
import { readOwnImage } from './shapes/own-image.ts';
import { readZotImage } from './shapes/zot-image.ts';

/** How the data of events is read, by their type. */
export type CloudEventTypes = Readonly<Record<string, (source: string, event: CloudEvent) => readonly Reading[]>>;

/** Harbor's, of the payload format CloudEvents. */
export const HARBOR_TYPES: CloudEventTypes = {
  'harbor.artifact.pushed': (source, event) => readHarbor(source, 'push', event),
  'harbor.artifact.deleted': (source, event) => readHarbor(source, 'delete', event),
  'harbor.artifact.pulled': () => ['pull'],
};

/** ACR's, by Event Grid. */
export const ACR_TYPES: CloudEventTypes = {
  'Microsoft.ContainerRegistry.ImagePushed': (source, { data }) => [readAcrEvent(source, data)],
  'Microsoft.ContainerRegistry.ImageDeleted': (source, { data }) => [readAcrEvent(source, data)],
  'Microsoft.ContainerRegistry.ChartPushed': () => ['chart'],
  'Microsoft.ContainerRegistry.ChartDeleted': () => ['chart'],
};

/** zot's, of its extension `events`. */
export const ZOT_TYPES: CloudEventTypes = {
  'zotregistry.image.updated': (source, { id, data }) => [readZotImage(source, 'push', id, data)],
  'zotregistry.image.deleted': (source, { id, data }) => [readZotImage(source, 'delete', id, data)],
};

/** Our own, for bridges from senders that we do not know. */
export const OWN_TYPES: CloudEventTypes = {
  'twinport.image.pushed': (source, { id, data }) => [readOwnImage(source, 'push', id, data)],
  'twinport.image.deleted': (source, { id, data }) => [readOwnImage(source, 'delete', id, data)],
};

/** Reads one event by its type; what is no event at all is `undefined`. */
export function readByType(source: string, types: CloudEventTypes, event: CloudEvent | undefined): readonly Reading[] {
  if (!event) return ['malformed'];
  const read = Object.hasOwn(types, event.type) ? types[event.type] : undefined;
  return read?.(source, event) ?? ['other event'];
}

function readHarbor(source: string, action: 'push' | 'delete', { id, data }: CloudEvent): readonly Reading[] {
  const told = HARBOR_ARTIFACTS.safeParse(data);
  return told.success ? readHarborArtifacts(source, action, id, told.data) : ['malformed'];
}
