import { expect, it } from '@jest/globals';

/** Of the script what is used here. */
interface Measured {
  readonly line: string;
  readonly cpuSeconds: number;
  before(seconds: number): { readonly cpuSeconds: number };
}
type Measure = (command: string, args: readonly string[], options: { readonly cwd: string }) => Promise<Measured>;

/** Uses a second of a processor's time, says for how long, and ends; what it started holds its output open for longer. */
const PROGRAM = `
const began = performance.now();
while (process.cpuUsage().user < 1_000_000);
require('child_process').spawn('sleep', ['0.5'], { stdio: ['ignore', 'inherit', 'ignore'], detached: true }).unref();
console.log((performance.now() - began) / 1000);
process.exit(0);`;

it('the benchmark tells what a program used until its last line, though it is not found any more right after', async () => {
  const script = new URL('../../scripts/bench/measure.mjs', import.meta.url).href;
  const { measure } = (await import(script)) as { measure: Measure };
  const run = await measure(process.execPath, ['-e', PROGRAM], { cwd: '/' });
  const { cpuSeconds } = run.before(Number(run.line));
  // All but what it took to begin, and since somebody last looked.
  expect(cpuSeconds).toBeGreaterThan(0.6 * run.cpuSeconds);
  expect(cpuSeconds).toBeLessThanOrEqual(run.cpuSeconds);
});
