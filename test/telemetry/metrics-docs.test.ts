import { readFileSync } from 'node:fs';
import { expect, it } from '@jest/globals';
import '../../src/processes/starter/main.ts';
import '../../src/processes/worker/site-worker.ts';
import { metrics } from '../../src/telemetry/index.ts';

it('all metrics are in the docs, and the docs name no other', async () => {
  const served = (await metrics.getMetricsAsJSON()).map(({ name }) => name);
  const design = readFileSync(new URL('../../docs/design.md', import.meta.url), 'utf8');
  const table = design.slice(design.indexOf('| metric | labels |'), design.indexOf('## When the control plane is gone'));
  const told = [...table.matchAll(/`((?:twinport|geo)_\w+)`/g)].map(([, name]) => name);
  expect(new Set(told)).toEqual(new Set(served));
});
