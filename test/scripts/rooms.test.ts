import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'twinport-rooms-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A house in which each import breaks one rule, or none. */
const IMPORTS: [rule: string | undefined, from: string, to: string][] = [
  [undefined, 'src/model/good.ts', 'src/model/digest.ts'],
  [undefined, 'src/model/good.ts', '@noble/hashes'],
  ['model-is-pure', 'src/model/bad.ts', 'node:fs'],
  ['model-is-pure', 'src/model/worse.ts', 'zod'],
  ['events-see-the-model-only', 'src/events/bad.ts', 'src/registry/blobs.ts'],
  ['event-sources-do-not-meet', 'src/events/sources/harbor.ts', 'src/events/sources/gitlab.ts'],
  ['registry-sees-the-model-only', 'src/registry/bad.ts', 'src/ledger/images.ts'],
  ['kinds-do-not-meet', 'src/registry/kinds/ecr/quirks.ts', 'src/registry/kinds/acr/quirks.ts'],
  ['undici-in-transport-only', 'src/registry/worse.ts', 'undici'],
  [undefined, 'src/registry/transport/wire.ts', 'undici'],
  ['large-packages-are-loaded-when-used', 'src/registry/early.ts', '@aws-sdk/client-ecr'],
  ['large-packages-are-loaded-when-used', 'src/registry/earlier.ts', 'google-auth-library'],
  ['large-packages-are-loaded-when-used', 'src/registry/traced.ts', '@opentelemetry/resources'],
  ['ledger-sees-the-model-only', 'src/ledger/bad.ts', 'src/replication/compare.ts'],
  ['config-sees-types-only', 'src/config/bad.ts', 'src/registry/blobs.ts'],
  [undefined, 'src/config/good.ts', 'type src/registry/blobs.ts'],
  [undefined, 'src/config/good.ts', 'src/registry/kinds/index.ts'],
  ['replication-sees-registries-only', 'src/replication/bad.ts', 'src/ledger/images.ts'],
  [undefined, 'src/replication/good.ts', 'src/registry/blobs.ts'],
  ['telemetry-sees-the-model-only', 'src/telemetry/bad.ts', 'src/registry/blobs.ts'],
  ['no-temporal-in-the-rooms', 'src/replication/worse.ts', '@temporalio/activity'],
  ['workflows-take-values-from-the-model', 'workflows/bad.ts', 'activities/site/copy.ts'],
  [undefined, 'workflows/good.ts', 'type activities/site/copy.ts'],
  [undefined, 'workflows/good.ts', '@temporalio/workflow'],
  ['workflows-see-no-room-but-model', 'workflows/worse.ts', 'type src/replication/compare.ts'],
  ['site-activities-see-no-ledger', 'activities/site/bad.ts', 'src/ledger/images.ts'],
  ['control-activities-see-no-registry', 'activities/control/bad.ts', 'src/registry/blobs.ts'],
  [undefined, 'activities/control/good.ts', 'src/replication/scope.ts'],
  ['activities-start-nothing', 'activities/control/worse.ts', '@temporalio/client'],
  ['nobody-sees-processes', 'src/replication/worst.ts', 'src/processes/edge.ts'],
  ['only-processes-see-config', 'src/ledger/worse.ts', 'src/config/index.ts'],
  [undefined, 'src/processes/good.ts', 'src/config/index.ts'],
  ['dashboard-takes-values-from-the-model', 'dashboard/bad.ts', 'src/ledger/images.ts'],
  [undefined, 'dashboard/good.ts', 'type src/ledger/images.ts'],
  [undefined, 'dashboard/good.ts', 'src/model/digest.ts'],
  ['nobody-sees-the-dashboard', 'src/processes/worse.ts', 'dashboard/good.ts'],
  ['no-development-packages', 'src/replication/odd.ts', 'jest'],
  ['nothing-unresolvable', 'src/replication/typo.ts', 'src/model/digset.ts'],
];

interface Violation {
  from: string;
  to: string;
  rule: { name: string };
}
let violations: Violation[];

beforeAll(() => {
  const files = new Map<string, string>();
  const add = (file: string, line: string) => files.set(file, `${files.get(file) ?? ''}${line}\n`);
  for (const [, from, target] of IMPORTS) {
    const typeOnly = target.startsWith('type ');
    const to = target.replace('type ', '');
    if (!/^(?:src|activities|dashboard)\//.test(to)) {
      add(from, `import '${to}';`);
    } else {
      if (!to.includes('digset')) add(to, 'export type T = 1;\nexport const t = 1;');
      const path = `${'../'.repeat(dirname(from).split('/').length)}${to}`;
      add(
        from,
        typeOnly ? `import type { T } from '${path}';\nexport const v: T = 1;` : `import { t } from '${path}';\nexport const v = t;`,
      );
    }
  }
  add('src/model/circle-a.ts', "export * from './circle-b.ts';");
  add('src/model/circle-b.ts', "export * from './circle-a.ts';");
  add('src/model/alone.ts', 'export const alone = 1;');
  const packages = {
    undici: '',
    zod: '',
    jest: '',
    '@noble/hashes': '',
    '@aws-sdk/client-ecr': '',
    '@opentelemetry/resources': '',
    'google-auth-library': '',
    '@temporalio/activity': '',
    '@temporalio/workflow': '',
    '@temporalio/client': '',
  };
  for (const name of Object.keys(packages)) {
    add(`node_modules/${name}/package.json`, JSON.stringify({ name, version: '1.0.0', main: 'index.js' }));
    add(`node_modules/${name}/index.js`, '');
  }
  const { jest, ...dependencies } = packages;
  add('package.json', JSON.stringify({ name: 'house', type: 'module', dependencies, devDependencies: { jest } }));
  add('tsconfig.json', JSON.stringify({ compilerOptions: { module: 'NodeNext', allowImportingTsExtensions: true, noEmit: true } }));
  for (const [file, text] of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  const cli = resolve('node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [
    cli,
    '--config',
    resolve('.dependency-cruiser.mjs'),
    '--output-type',
    'json',
    'src',
    'workflows',
    'activities',
    'dashboard',
  ];
  const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', maxBuffer: 1e8 });
  if (stdout === '') throw new Error(stderr);
  violations = (JSON.parse(stdout) as { summary: { violations: Violation[] } }).summary.violations;
});

describe('the rules of the rooms', () => {
  it.each(IMPORTS.filter(([rule]) => rule !== undefined))('%s: %s may not import %s', (rule, from) => {
    expect(violations.filter((violation) => violation.from === from).map((violation) => violation.rule.name)).toContain(rule);
  });

  it.each(IMPORTS.filter(([rule]) => rule === undefined))('%s%s may import %s', (_, from, target) => {
    const to = target.replace('type ', '');
    expect(violations.filter((violation) => violation.from === from && violation.to.includes(to)).map((v) => v.rule.name)).toEqual([]);
  });

  it('no cycle, no orphan', () => {
    const broken = (file: string) => violations.filter((violation) => violation.from === file).map((violation) => violation.rule.name);
    expect(broken('src/model/circle-a.ts')).toContain('no-cycles');
    expect(broken('src/model/alone.ts')).toContain('no-orphans');
  });
});
