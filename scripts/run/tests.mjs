import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { installParts } from '../install-parts.mjs';
import { checkFaults, updateFaults } from '../faults/table.mjs';
import { checkTable, updateTable } from '../matrix/report.mjs';
import { inTemporaryFolder, root } from '../parts/cache.mjs';
import { foreground } from './foreground.mjs';
import { ensureBuild, ensureModules } from './prepare.mjs';

/** `npm test`: installs and builds what is missing, runs the checks (unless tests are named) and the tests, and ends with their count. */
export async function runTests(args) {
  const parts = installParts(existsSync(join(root, 'test/browser')) ? ['test', 'chromium'] : ['test']);
  parts.catch(() => undefined);
  await ensureModules();
  if (args.length === 0) {
    const checks = await foreground('npm', ['run', '--silent', 'check']);
    if (checks !== 0) return checks;
  }
  await ensureBuild();
  await parts;
  return inTemporaryFolder((folder) => testAndCount('jest.config.mjs', args, folder, args.length === 0 ? TURNS : undefined));
}

/**
 * `npm run test:registries`: installs the clients with which people push and pull, which takes many minutes the first time, and runs the
 * tests that need them. What cannot be installed is skipped, and named at the end.
 */
export async function runRegistryTests(args) {
  const parts = installParts(['registries']);
  parts.catch(() => undefined);
  await ensureModules();
  await ensureBuild();
  await parts;
  return inTemporaryFolder((folder) => testAndCount('jest.registries.config.mjs', args, folder));
}

/** `npm run test:fuzz`: all of the generated cases, of which `npm test` runs a twenty-fifth. */
export async function runFuzz(args) {
  await prepare();
  process.env.TWINPORT_FUZZ_SHARE ??= '1';
  return inTemporaryFolder((folder) => testAndCount('jest.config.mjs', ['test/fuzz', ...args], folder));
}

/** `npm run docs:registries -- FILES`: runs tests and puts what they report of registries into the table of the docs. */
export async function runRegistryDocs(args) {
  if (args.length === 0)
    throw new Error('name the files of the tests that report: npm run docs:registries -- test/registry/harbor.test.ts …');
  const clients = args.some((arg) => arg.includes('test/registries'));
  const parts = installParts([clients ? 'registries' : 'test']);
  parts.catch(() => undefined);
  await ensureModules();
  await ensureBuild();
  await parts;
  const config = clients ? 'jest.registries.config.mjs' : 'jest.config.mjs';
  return inTemporaryFolder(async (folder) => {
    const { code, passedFiles } = await runJest(config, args, folder);
    if (code === 0) updateTable(reportsIn(folder), passedFiles);
    return code;
  });
}

/** `npm run test:faults`: each fault injected into a whole system; of which `npm test` injects a few. */
export async function runFaultTests(args) {
  await prepare();
  return inTemporaryFolder((folder) => testAndCount('jest.faults.config.mjs', args, folder));
}

/** `npm run test:soak`: twenty minutes of pushes and faults at random, of which `npm test` has half a minute. */
export async function runSoak(args) {
  await prepare();
  return inTemporaryFolder((folder) => testAndCount('jest.soak.config.mjs', args, folder));
}

/** `npm run docs:faults`: the same, and puts what the tests report into the table of docs/faults.md. */
export async function runFaultDocs(args) {
  await prepare();
  return inTemporaryFolder(async (folder) => {
    const { code } = await runJest('jest.faults.config.mjs', args, folder);
    if (code === 0) updateFaults(faultsIn(folder));
    return code;
  });
}

async function prepare() {
  const parts = installParts(['test']);
  parts.catch(() => undefined);
  await ensureModules();
  await ensureBuild();
  await parts;
}

/**
 * Two files at a time: much of what they do is to wait for servers of their own. Those that start whole systems come last, the two longest first:
 * Jest begins with the files that are large, and would leave these, which are small, for the end, one of them alone.
 */
const TESTS = `^${join(root, 'test').replace(/[^\w/]/g, String.raw`\$&`)}/`;
const LONG = String.raw`system/(?:soak|docs-commands)\.test`;
const TURNS = ['(?!system/|browser/)', LONG, `(?!${LONG})(?:system|browser)/`].map((files) => ['--maxWorkers', '2', `${TESTS}${files}`]);

/** Runs Jest, once or in turns, compares the tables of the docs with what the tests reported, and prints the count. */
export async function testAndCount(config, args, folder, turns = [[]]) {
  const runs = [];
  for (const turn of turns) {
    const run = await runJest(config, [...turn, ...args], folder);
    if (!run.counts) return run.code === 0 ? 1 : run.code;
    runs.push(run);
  }
  const code = runs.find((run) => run.code !== 0)?.code ?? 0;
  const passedFiles = runs.flatMap((run) => run.passedFiles);
  const skippedBlocks = runs.flatMap((run) => run.skippedBlocks);
  const counts = {
    passed: sum(runs, 'passed'),
    failed: sum(runs, 'failed'),
    skipped: sum(runs, 'skipped'),
  };
  // Of a file of which a test was skipped or chosen by name, nothing can be missed.
  const faults = [...checkTable(reportsIn(folder), passedFiles), ...checkFaults(faultsIn(folder), passedFiles)];
  if (faults.length > 0) process.stderr.write(`${faults.join('\n  ')}\n`);
  const failed = counts.failed + (faults.length > 0 ? 1 : 0);
  for (const name of skippedBlocks) process.stdout.write(`skipped: ${name}\n`);
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  process.stdout.write(`${counts.passed} passed, ${failed} failed${skipped}\n`);
  return code === 0 && failed > 0 ? 1 : code;
}

function sum(runs, name) {
  return runs.reduce((total, { counts }) => total + counts[name], 0);
}

const reportsIn = (folder) => join(folder, 'matrix.jsonl');
const faultsIn = (folder) => join(folder, 'faults.jsonl');

async function runJest(config, args, folder) {
  const results = join(folder, 'results.json');
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(root, 'node_modules/jest/bin/jest.js')];
  const code = await foreground(process.execPath, [...jest, '--config', config, '--json', '--outputFile', results, ...args], {
    // With --json the report goes to standard output as one object; people read the other one.
    stdio: ['inherit', 'ignore', 'inherit'],
    env: { TWINPORT_MATRIX: reportsIn(folder), TWINPORT_FAULTS: faultsIn(folder) },
  });
  if (!existsSync(results)) return { code, passedFiles: [] };
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests, testResults } = JSON.parse(
    readFileSync(results, 'utf8'),
  );
  return {
    code,
    counts: { passed: numPassedTests, failed: numFailedTests + numRuntimeErrorTestSuites, skipped: numPendingTests },
    skippedBlocks: [
      ...new Set(
        testResults
          .flatMap(({ assertionResults }) => assertionResults)
          .filter(({ status }) => status === 'pending')
          .map(({ ancestorTitles, title }) => ancestorTitles[0] ?? title),
      ),
    ],
    passedFiles: testResults
      .filter(({ status, assertionResults }) => status === 'passed' && assertionResults.every((test) => test.status === 'passed'))
      .map(({ name }) => relative(root, name)),
  };
}
