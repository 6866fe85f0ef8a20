import { z } from 'zod';
import type { EventSource } from '../event-source.ts';
import { checkShape, readJson } from '../invalid-envelope.ts';
import { optionalText } from '../optional-text.ts';
import { changeOf, collect, type Reading } from '../reading.ts';

const SOURCE = 'ecr';
const RIGHT = 'EventBridge sends {"source": "aws.ecr", "detail-type", "detail": {…}}, without an input transformer';
const EVENT = z.looseObject({
  id: optionalText,
  source: z.string(),
  'detail-type': z.string(),
  detail: z.looseObject({}),
});
const DETAIL = z.looseObject({
  'action-type': optionalText,
  result: optionalText,
  'sync-status': optionalText,
  'repository-name': optionalText,
  'image-tag': optionalText,
  'image-digest': optionalText,
});
/** A repository that is filled by replication or as a cache changes like one that is pushed to. */
const ABOUT_IMAGES: ReadonlySet<string> = new Set([
  'ECR Image Action',
  'ECR Referrer Action',
  'ECR Replication Action',
  'ECR Pull Through Cache Action',
]);

/**
 * What ECR tells EventBridge, sent on by an API destination.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-eventbridge.html
 */
export const ecr: EventSource = {
  name: SOURCE,
  proofs: [{ by: 'authorization' }, { by: 'header', header: 'x-api-key' }],
  parse({ body }) {
    const event = checkShape(EVENT, readJson(body, RIGHT), RIGHT);
    return collect([readEvent(event)]);
  },
};

function readEvent(event: z.infer<typeof EVENT>): Reading {
  const type = event['detail-type'];
  if (event.source !== 'aws.ecr' || !ABOUT_IMAGES.has(type)) return 'other event';
  const read = DETAIL.safeParse(event.detail);
  if (!read.success) return 'malformed';
  const { data: detail } = read;
  if ((detail.result ?? detail['sync-status']) !== 'SUCCESS') return 'not done';
  const action = type === 'ECR Pull Through Cache Action' ? 'push' : actionOf(detail['action-type']);
  if (action !== 'push' && action !== 'delete') return action;
  return changeOf(SOURCE, {
    id: event.id,
    action,
    repository: detail['repository-name'],
    tag: detail['image-tag'],
    digest: detail['image-digest'],
  });
}

function actionOf(word: string | undefined): 'push' | 'delete' | 'pull' | 'unknown action' {
  switch (word) {
    case 'PUSH':
    case 'REPLICATE':
      return 'push';
    case 'DELETE':
      return 'delete';
    case 'PULL':
      return 'pull';
    default:
      return 'unknown action';
  }
}
