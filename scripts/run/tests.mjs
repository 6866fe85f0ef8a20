import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installParts } from '../install-parts.mjs';
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
  return inTemporaryFolder((folder) => runJest(args, join(folder, 'results.json')));
}

async function runJest(args, results) {
  const jest = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning', join(root, 'node_modules/jest/bin/jest.js')];
  const code = await foreground(process.execPath, [...jest, '--config', 'jest.config.mjs', '--json', '--outputFile', results, ...args], {
    // With --json the report goes to standard output as one object; people read the other one.
    stdio: ['inherit', 'ignore', 'inherit'],
  });
  if (!existsSync(results)) return code === 0 ? 1 : code;
  const { numPassedTests, numFailedTests, numRuntimeErrorTestSuites, numPendingTests } = JSON.parse(readFileSync(results, 'utf8'));
  const failed = numFailedTests + numRuntimeErrorTestSuites;
  const skipped = numPendingTests > 0 ? `, ${numPendingTests} skipped` : '';
  process.stdout.write(`${numPassedTests} passed, ${failed} failed${skipped}\n`);
  return code;
}
