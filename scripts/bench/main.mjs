import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startRegistry } from '../../dist/src/processes/embedded/registry.js';
import { digestsAt, loseBlob, push } from './content.mjs';
import { forked } from './forked.mjs';
import { endMeasured, measure } from './measure.mjs';
import { writeReport } from './report.mjs';
import { SIZES } from './scale.mjs';
import { makeFolder } from './system.mjs';
import { availableTools } from './tools.mjs';
import { WORKS } from './works.mjs';

/*
 * Measures Twinport and its peers side by side: the same content, the same registries, in turn, with a fresh secondary each time.
 *   npm run bench -- [--works large,small,far,layer,lost,pushes,actions,scale] [--tools crane,regsync] [--rounds 5]
 *     [--tags 10000,100000] [--seed TEXT] [--dry]
 * Each round runs all tools one after the other, in another order; one more round, which is not timed, counts requests and bytes.
 */
const { values } = parseArgs({
  options: {
    works: { type: 'string' },
    tools: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: 'twinport' },
    tags: { type: 'string', default: SIZES.join(',') },
    dry: { type: 'boolean', default: false },
  },
});
const note = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
const rounds = Number(values.rounds);
if (!(Number.isInteger(rounds) && rounds > 0)) throw new Error(`--rounds ${values.rounds}: a number from 1 is wanted`);
const sizes = values.tags.split(',').map(Number);
if (sizes.some((tags) => !(tags >= SIZES[0] && tags % 100 === 0)))
  throw new Error(`--tags ${values.tags}: hundreds from ${SIZES[0]} are wanted`);
const works = chosen(WORKS, values.works, '--works');
const tools = chosen(await availableTools(note), values.tools && `twinport,${values.tools}`, '--tools');

const folder = await mkdtemp(join(tmpdir(), 'twinport-bench-'));
// An embedded PostgreSQL runs as another user.
await chmod(folder, 0o711);
const ends = [() => rm(folder, { recursive: true, force: true })];
let ending;
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void endAll().finally(() => process.exit(130)));
try {
  for (const work of works) {
    const result = await (work.measure ? work.measure({ folder, seed: values.seed, ends, note, sizes }) : workWith(work));
    // At once: what a later work is stopped in is no loss of this one.
    const { text, registries } = work;
    await writeReport({ rounds, seed: values.seed, tools, work: result, text, registries, write: !values.dry });
  }
} finally {
  await endAll();
}

/** Once, whoever asks: a signal ends what is measured, which then fails here as well. */
function endAll() {
  ending ??= (async () => {
    endMeasured();
    // The folder is the first of them, and goes last; what cannot be ended keeps nothing else.
    for (const end of ends.splice(0).reverse()) await Promise.resolve(end()).catch((error) => note(error.message));
  })();
  return ending;
}

async function workWith(work) {
  const content = work.content(values.seed);
  const primary = await startRegistry({ version: 2, dir: join(folder, `${work.name}-primary`) });
  const stop = () => primary.stop(500);
  ends.push(stop);
  note(`${work.name}: ${work.title}`);
  await push(primary.url, content);
  const job = { content, repositories: [...content.keys()], wanted: await digestsAt(primary.url, content) };
  const timed = [];
  for (let round = 0; round < rounds; round++) {
    const lined = work.line ? await link({ kind: 'line', port: primary.port, ...work.line }) : undefined;
    const order = [...tools.slice(round % tools.length), ...tools.slice(0, round % tools.length)];
    const seen = {};
    for (const tool of order) seen[tool.name] = await runTool(work, tool, job, { primary: lined?.host ?? primary.host });
    timed.push(seen);
    lined?.close();
  }
  const counted = {};
  for (const tool of tools) {
    const gate = await link({ kind: 'gate', port: primary.port });
    counted[tool.name] = await runTool(work, tool, job, { primary: gate.host, primaryGate: gate });
    gate.close();
  }
  ends.splice(ends.indexOf(stop), 1);
  await primary.stop(500);
  await rm(primary.dir, { recursive: true, force: true });
  const passes = work.passes.filter((pass) => !pass.unreported);
  return { name: work.name, title: work.title, passes: passes.map((pass) => ({ ...pass, ...byTool(pass, timed, counted) })) };
}

/** All passes of a work with one tool, on a secondary that is made for it and gone afterwards. */
async function runTool(work, tool, job, { primary, primaryGate }) {
  const dir = await makeFolder(join(folder, `${work.name}-${tool.name}`));
  const secondary = await startRegistry({ version: 2, dir: join(dir, 'registry') });
  const stop = () => secondary.stop(500);
  ends.push(stop);
  const secondaryGate = primaryGate && (await link({ kind: 'gate', port: secondary.port }));
  const seen = {};
  for (const pass of work.passes) {
    if (pass.oursOnly && !tool.ours) continue;
    const lost = pass.lose && pass.lose(job.content);
    const isThere = lost && (await loseBlob(secondary, lost.repository, lost.blob));
    const place = { primary, secondary: secondaryGate?.host ?? secondary.host, repositories: job.repositories, folder: dir };
    const { command, args, cwd } = await tool.start({ ...place, ...(pass.depth ? { depth: pass.depth } : {}) });
    const run = await measure(command, args, { cwd });
    if ((await digestsAt(secondary.url, job.content)) !== job.wanted)
      throw new Error(`${tool.name} says that it is done, and what it made differs`);
    const requests = primaryGate && { primary: await primaryGate.counts(), secondary: await secondaryGate.counts() };
    const restored = isThere && { restored: await isThere(), lostBytes: lost.blob.size };
    if (tool.ours && restored?.restored === false) throw new Error('Twinport says that it is done, and the blob is lost still');
    seen[pass.name] = { ...figuresOf(tool, run), ...(requests ? { requests } : {}), ...restored };
    if (!requests) note(`  ${tool.name}, ${pass.title ?? pass.name}: ${seen[pass.name].wallSeconds.toFixed(2)} s`);
  }
  secondaryGate?.close();
  // By itself: what counts its requests has come after it.
  ends.splice(ends.indexOf(stop), 1);
  await stop();
  await rm(dir, { recursive: true, force: true });
  return seen;
}

/** Of Twinport what it took from connected to done, by its own figure, with its Temporal and its ledger; `whole…` with their start and end. */
function figuresOf(tool, run) {
  const whole = { wholeSeconds: run.wallSeconds, wholeCpuSeconds: run.cpuSeconds, peakBytes: run.peakBytes };
  if (!tool.ours) return { wallSeconds: run.wallSeconds, cpuSeconds: run.cpuSeconds, ...whole };
  const { seconds, verified, images } = JSON.parse(run.line);
  if (verified !== images) throw new Error(`Twinport verified ${verified} of ${images} images`);
  const { cpuSeconds, idleBytes } = run.before(seconds);
  return { wallSeconds: seconds, cpuSeconds, ...whole, idleBytes };
}

function byTool(pass, timed, counted) {
  const of = (tool) => {
    const runs = timed.map((round) => round[tool.name]?.[pass.name]).filter((run) => run !== undefined);
    return { runs, requests: counted[tool.name]?.[pass.name]?.requests };
  };
  return { tools: Object.fromEntries(tools.filter((tool) => tool.ours || !pass.oursOnly).map((tool) => [tool.name, of(tool)])) };
}

/** A line or a gate in a process of its own. */
function link(asked) {
  return forked('./link.mjs', asked, ends);
}

function chosen(all, names, option) {
  if (names === undefined) return all;
  const wanted = names.split(',');
  const unknown = wanted.filter((name) => !all.some((each) => each.name === name));
  if (unknown.length > 0)
    throw new Error(`${option}: ${unknown.join(', ')} is unknown or not installed; there are ${all.map(({ name }) => name).join(', ')}`);
  return all.filter(({ name }) => wanted.includes(name));
}
