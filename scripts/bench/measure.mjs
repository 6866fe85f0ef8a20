import { performance } from 'node:perf_hooks';
import { spawn } from 'node:child_process';
import { readFile, readdir } from 'node:fs/promises';

const EVERY_MS = 100;
/** To look for processes and to ask for their memory takes from a busy machine: after the first rounds, that is done in one of so many. */
const SELDOM = 5;
const FIRST_ROUNDS = 20;
const TICKS_PER_SECOND = 100;

/**
 * Runs a program to its end and measures it with all the processes that it started.
 * @returns `wallSeconds`; `cpuSeconds`, of all of them as their parents were told at their ends; `peakBytes`, the largest sum of
 *   proportional set sizes that was seen; `line`, its last line of output; and `before(seconds)`, what it used in the seconds before that
 *   line (`cpuSeconds`), and what memory it had when they began (`idleBytes`)
 */
export async function measure(command, args, { cwd, env, timeoutMs = 600_000 }) {
  const began = performance.now();
  // The shell tells what all its children used, at their ends; nothing else here can be asked for that.
  const child = spawn('bash', ['-c', '"$@" 3>&-; code=$?; times >&3; exit $code', 'bench', command, ...args], {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    // A group of its own, so that it can be ended with all that it started.
    detached: true,
  });
  const kill = () => endGroup(child);
  running.add(kill);
  const out = kept(child.stdout);
  let saidAt = began;
  child.stdout.on('data', () => (saidAt = performance.now()));
  const errors = kept(child.stderr);
  const times = kept(child.stdio[3]);
  const watch = watchTree(child.pid);
  const timer = setTimeout(kill, timeoutMs);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (ended, signal) => resolve(ended ?? signal));
  });
  const ended = performance.now();
  clearTimeout(timer);
  running.delete(kill);
  const { peakBytes, samples } = await watch.stop();
  const said = `${out()}\n${errors()}`;
  if (code !== 0) throw new Error(`\`${command} ${args.join(' ')}\` ended with ${code}: ${said.trim().split('\n').slice(-5).join(' / ')}`);
  const cpuSeconds = childrenIn(times());
  const used = growing([...samples, { at: ended, cpu: cpuSeconds }]);
  return {
    wallSeconds: (ended - began) / 1000,
    cpuSeconds,
    peakBytes,
    line: out().trim().split('\n').at(-1),
    before: (seconds) => {
      const from = saidAt - seconds * 1000;
      return {
        cpuSeconds: valueAt(used, saidAt, 'cpu') - valueAt(used, from, 'cpu'),
        idleBytes: valueAt(samples, from, 'bytes'),
      };
    },
  };
}

const running = new Set();

/** Ends what is measured just now. */
export function endMeasured() {
  for (const kill of running) kill();
}

function endGroup({ pid, exitCode, signalCode }) {
  if (exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
}

/** Of `times`' two lines `0m1.234s 0m0.567s`, the second: what its children used. */
function childrenIn(text) {
  const [, children] = text.trim().split('\n');
  const [user, system] = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds));
  return user + system;
}

function kept(stream) {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk) => (text = (text + chunk).slice(-20_000)));
  return () => text;
}

function watchTree(root) {
  const samples = [];
  let going = true;
  const watching = (async () => {
    let bytes = 0;
    let tree = [];
    for (let round = 0; going; round += 1) {
      const at = performance.now();
      const whole = round < FIRST_ROUNDS || round % SELDOM === 0;
      // Of one that ended in between, its parent was told what it used.
      tree = whole ? await processesUnder(root) : (await Promise.all(tree.map(({ pid }) => statOf(pid)))).filter(Boolean);
      if (whole) bytes = sum(await Promise.all(tree.map(({ pid }) => proportionalSize(pid))));
      samples.push({ at, cpu: sum(tree.map(({ cpu }) => cpu)) / TICKS_PER_SECOND, bytes });
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  })();
  return {
    async stop() {
      going = false;
      await watching;
      return { peakBytes: Math.max(...samples.map(({ bytes }) => bytes)), samples };
    },
  };
}

function sum(numbers) {
  return numbers.reduce((total, each) => total + each, 0);
}

/** What a process and all below it used until now, in seconds. */
export async function cpuOf(pid) {
  const own = await statOf(pid);
  return sum([own?.cpu ?? 0, ...(await processesUnder(pid)).map(({ cpu }) => cpu)]) / TICKS_PER_SECOND;
}

/** What a process and all below it hold in memory now, in bytes. */
export async function memoryOf(pid) {
  return sum(await Promise.all([pid, ...(await processesUnder(pid)).map((each) => each.pid)].map(proportionalSize)));
}

/** A figure of parts by their names, each a process or some: `ask` gives one's. */
export async function eachOf(pids, ask) {
  const sums = Object.entries(pids).map(async ([name, of]) => {
    return [name, sum(await Promise.all([of].flat().map(ask)))];
  });
  return Object.fromEntries(await Promise.all(sums));
}

/** The processes below another, each with what it and its dead children used, in ticks. */
async function processesUnder(root) {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const all = (await Promise.all(pids.map(statOf))).filter((stat) => stat !== undefined);
  const tree = new Set([root]);
  // Sorted by pid a parent mostly comes first; until nothing is added, for those that do not.
  for (let size = 0; size !== tree.size;) {
    size = tree.size;
    for (const { pid, parent } of all) if (tree.has(parent)) tree.add(pid);
  }
  return all.filter(({ pid }) => pid !== root && tree.has(pid));
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
async function statOf(pid) {
  try {
    const text = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const cpu = sum([11, 12, 13, 14].map((at) => Number(fields[at])));
    return { pid: Number(pid), parent: Number(fields[1]), cpu };
  } catch {
    return undefined; // it has ended meanwhile
  }
}

async function proportionalSize(pid) {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has ended meanwhile
  }
}

/** Without samples in which a process was not found any more, and whoever was told what it used neither. */
function growing(samples) {
  let most = 0;
  return samples.filter(({ cpu }) => {
    const more = cpu >= most;
    if (more) most = cpu;
    return more;
  });
}

function valueAt(samples, at, name) {
  const after = samples.findIndex((sample) => sample.at >= at);
  if (after === -1) return samples.at(-1)?.[name] ?? 0;
  if (after === 0) return samples[0][name];
  const [left, right] = [samples[after - 1], samples[after]];
  return left[name] + ((right[name] - left[name]) * (at - left.at)) / (right.at - left.at);
}
