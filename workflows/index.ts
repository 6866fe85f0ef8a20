export { backfillSite } from './backfill-site.ts';
export { limitSite } from './limit-site.ts';
export { owner } from './owner.ts';
export { pauseSite } from './pause-site.ts';
export { syncImage } from './sync-image.ts';
export { syncRepository } from './sync-repository.ts';
export { tick } from './tick.ts';
export { verifySite } from './verify-site.ts';
