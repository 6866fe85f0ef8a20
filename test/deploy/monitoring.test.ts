import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from '@jest/globals';
import '../../src/processes/starter/main.ts';
import '../../src/processes/worker/site-worker.ts';
import { metrics } from '../../src/telemetry/index.ts';
import { describeWith, runClient } from '../support/clients.ts';

const DEPLOY = fileURLToPath(new URL('../../deploy/', import.meta.url));
const RULES = join(DEPLOY, 'prometheus/twinport.rules.yml');
const promtool = (...args: string[]): Promise<string> => runClient('promtool', args);

it.each([RULES, join(DEPLOY, 'grafana/twinport.json')])('%s asks for metrics that there are', async (file) => {
  const served = new Set((await metrics.getMetricsAsJSON()).map(({ name }) => name));
  const asked = (await readFile(file, 'utf8')).match(/\btwinport_\w+/g) ?? [];
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.map((name) => name.replace(/_bucket$/, '')).filter((name) => !served.has(name))).toEqual([]);
});

describeWith(['promtool'], 'the alert rules', () => {
  it('can be loaded, and raise what they should, when they should', async () => {
    expect(await promtool('check', 'rules', RULES)).toContain('SUCCESS');
    await promtool('test', 'rules', join(DEPLOY, 'prometheus/twinport.rules.test.yml'));
  });

  it('are tested each: a rule that never fires is found', async () => {
    const rules = await readFile(RULES, 'utf8');
    const exprs = rules.match(/expr: .*/g) ?? [];
    expect(exprs).toHaveLength(13);
    for (const expr of exprs) {
      const folder = await mkdtemp(join(tmpdir(), 'twinport-rules-'));
      try {
        await cp(join(DEPLOY, 'prometheus'), folder, { recursive: true });
        await writeFile(join(folder, 'twinport.rules.yml'), rules.replace(expr, 'expr: vector(0) > 1'));
        await expect(promtool('test', 'rules', join(folder, 'twinport.rules.test.yml'))).rejects.toThrow('FAILED');
      } finally {
        await rm(folder, { recursive: true });
      }
    }
  });
});
