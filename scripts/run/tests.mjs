import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { installParts } from '../install-parts.mjs';
import { checkFaults, updateFaults } from '../faults/table.mjs';
import { readLines } from '../matrix/page.mjs';
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
  const whole = args.length === 0;
  return inTemporaryFolder((folder) => testAndCount('jest.config.mjs', args, folder, whole ? { turns: TURNS, again: true } : {}));
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
  return inTemporaryFolder((folder) => testAndCount('jest.registries.config.mjs', args, folder, { again: args.length === 0 }));
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
    const { code, results } = await runJest(config, args, folder);
    if (code === 0) updateTable(reportsIn(folder), passedFiles(results));
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

/** More files that fail are not what a busy machine does. */
const MOST_AGAIN = 8;

/**
 * Runs Jest, once or in turns, compares the tables of the docs with what the tests reported, and prints the count.
 * @param options `again`: the tests are of real servers on a shared machine, and one file of hundreds now and then meets a moment in which everything
 *   stood still. Files that failed are run once more, one after the other, with servers of their own; what they said the first time was printed, and what
 *   fails twice has failed. `compare`: what is wrong with the tables, given the folder with the reports and the files that passed
 */
export async function testAndCount(config, args, folder, { turns = [[]], again = false, compare = compareTables } = {}) {
  const files = new Map();
  const run = async (more) => {
    const { code, results } = await runJest(config, [...more, ...args], folder);
    for (const [name, result] of results) files.set(name, result);
    // Else Jest complains of something besides its tests: that there are none, or that it was told to stop.
    return code === TESTS_FAILED && [...results.values()].some(({ failed }) => failed > 0) ? 0 : code;
  };
  let code = 0;
  for (const turn of turns) if (code === 0) code = await run(turn);
  const broken = [...files].filter(([, { failed }]) => failed > 0).map(([name]) => name);
  if (code === 0 && again && broken.length > 0 && broken.length <= MOST_AGAIN) {
    process.stderr.write(`run again, one after the other: ${broken.join(', ')}\n`);
    for (const reports of [reportsIn(folder), faultsIn(folder)]) forget(reports, broken);
    // All in one process, which something that a failed test left open would hold up for ever.
    code = await run(['--runInBand', '--forceExit', '--runTestsByPath', ...broken]);
  }
  const results = [...files.values()];
  const faults = compare(folder, passedFiles(files));
  if (faults.length > 0) process.stderr.write(`${faults.join('\n  ')}\n`);
  const failed = Math.max(sum(results, 'failed') + (faults.length > 0 ? 1 : 0), code === 0 ? 0 : 1);
  for (const name of new Set(results.flatMap(({ skippedBlocks }) => skippedBlocks))) process.stdout.write(`skipped: ${name}\n`);
  const skipped = sum(results, 'skipped');
  process.stdout.write(`${sum(results, 'passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  return code === 0 && failed > 0 ? TESTS_FAILED : code;
}

/** Jest's exit code where it ran all, and a test failed. */
const TESTS_FAILED = 1;

function compareTables(folder, passed) {
  return [...checkTable(reportsIn(folder), passed), ...checkFaults(faultsIn(folder), passed)];
}

/** Takes away what tests reported that are run again. */
function forget(file, tests) {
  const kept = readLines(file).filter(({ test }) => !tests.includes(test));
  writeFileSync(file, kept.map((report) => `${JSON.stringify(report)}\n`).join(''));
}

/** Of a file of which a test was skipped or chosen by name, nothing can be missed. */
function passedFiles(files) {
  return [...files].filter(([, { failed, skipped }]) => failed + skipped === 0).map(([name]) => name);
}

function sum(results, name) {
  return results.reduce((total, result) => total + result[name], 0);
}

const reportsIn = (folder) => join(folder, 'matrix.jsonl');
const faultsIn = (folder) => join(folder, 'faults.jsonl');

/** @returns Jest's exit code, and what became of each file, by its path in the project */
async function runJest(config, args, folder) {
  const report = join(folder, 'results.json');
  rmSync(report, { force: true });
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(root, 'node_modules/jest/bin/jest.js')];
  const code = await foreground(process.execPath, [...jest, '--config', config, '--json', '--outputFile', report, ...args], {
    // With --json the report goes to standard output as one object; people read the other one.
    stdio: ['inherit', 'ignore', 'inherit'],
    env: { TWINPORT_MATRIX: reportsIn(folder), TWINPORT_FAULTS: faultsIn(folder) },
  });
  if (!existsSync(report)) return { code: code === 0 ? 1 : code, results: new Map() };
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
  return { code, results: new Map(testResults.map((file) => [relative(root, file.name), resultOf(file)])) };
}

function resultOf({ status, assertionResults }) {
  const count = (wanted) => assertionResults.filter((test) => test.status === wanted).length;
  const pending = assertionResults.filter((test) => test.status === 'pending');
  return {
    passed: count('passed'),
    // A file may fail before its first test, or after its last one.
    failed: Math.max(count('failed'), status === 'failed' ? 1 : 0),
    skipped: pending.length,
    skippedBlocks: pending.map(({ ancestorTitles, title }) => ancestorTitles[0] ?? title),
  };
}
