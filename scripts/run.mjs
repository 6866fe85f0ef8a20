#!/usr/bin/env node
import { runFaultDocs, runFaultTests, runFuzz, runRegistryDocs, runRegistryTests, runSoak, runTests } from './run/tests.mjs';
import { runBench } from './run/bench.mjs';
import { runDemo } from './run/demo.mjs';

/*
 * `npm run demo` and `npm test`, on a bare clone too: each installs and builds what is missing first.
 */
const [command, ...args] = process.argv.slice(2);
const commands = {
  bench: runBench,
  demo: runDemo,
  test: runTests,
  'test:registries': runRegistryTests,
  'test:fuzz': runFuzz,
  'test:faults': runFaultTests,
  'test:soak': runSoak,
  'docs:registries': runRegistryDocs,
  'docs:faults': runFaultDocs,
};
const chosen = commands[command];
if (!chosen) {
  process.stderr.write(`usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [args…]\n`);
  process.exit(2);
}
try {
  process.exitCode = await chosen(args);
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 3;
}
