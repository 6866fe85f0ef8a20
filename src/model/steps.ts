/*
 * The wire contract between workflows and activities: what each step is told and gives. Payloads carry references,
 * digests and sizes; no credentials, no manifest bodies. Moments are milliseconds since the epoch, by Temporal's clock.
 */

export type * from './steps/step.ts';
export type * from './steps/fetch-manifests.ts';
export type * from './steps/enumerate-layers.ts';
export type * from './steps/copy-blobs.ts';
export type * from './steps/publish-manifests.ts';
export type * from './steps/mark-verification.ts';
export type * from './steps/list-repositories.ts';
export type * from './steps/compare-repository.ts';
export type * from './steps/compare-repositories.ts';
export type * from './steps/record-scan.ts';
export type * from './steps/record-scans.ts';
export type * from './steps/settled-repositories.ts';
export type * from './steps/plan-deletions.ts';
export type * from './steps/delete-tags.ts';
export type * from './steps/record-backfill.ts';
export type * from './steps/start-scheduled.ts';
export type * from './steps/verify-site.ts';
export type * from './steps/look-at-digests.ts';
export type * from './steps/start-look.ts';
export type * from './steps/sync-image.ts';
export type * from './steps/sync-repository.ts';
export type * from './steps/backfill-site.ts';
