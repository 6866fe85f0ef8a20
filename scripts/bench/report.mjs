import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { root } from '../parts/cache.mjs';
import { barChart } from './plot.mjs';
import { sizingText } from './sizing.mjs';
import { median, reached, spread } from './statistics.mjs';

const PAGE = 'docs/benchmarks.md';
const SIZING = 'docs/sizing.md';
const FOLDER = 'docs/benchmarks';
const BEGIN = '<!-- made by npm run bench; do not edit -->';
const END = '<!-- end -->';

/** Writes a work's figures as JSON, its plot and its tables of the page; with `write: false` prints the tables alone. */
export async function writeReport({ rounds, seed, tools, work, text: own, registries = 'CNCF Distribution 2.8', write }) {
  const text = workText(work, tools, own);
  if (!write) {
    process.stdout.write(`${text}\n`);
    return;
  }
  await mkdir(join(root, FOLDER), { recursive: true });
  const versions = Object.fromEntries(tools.map(({ name, said }) => [name, said]));
  const processors = cpus();
  const machine = {
    ...{ processors: processors.length, model: processors[0]?.model ?? 'unknown' },
    ...{ memoryGiB: Math.round(totalmem() / 2 ** 30), node: process.version },
  };
  const facts = { madeAt: new Date().toISOString().slice(0, 10), machine, rounds, seed, versions, ...work };
  await writeText(`${FOLDER}/${work.name}.json`, JSON.stringify(facts));
  if (work.passes) await writeFile(join(root, FOLDER, `${work.name}.svg`), barChart(work));
  const made = [
    `Made on ${facts.madeAt} with ${machine.processors} processors (${machine.model}), ${machine.memoryGiB} GiB, Node ${machine.node}`,
    work.passes ? `${rounds} rounds` : '',
    Object.entries(work.passes ? versions : { twinport: versions.twinport })
      .map(([name, version]) => `${name} ${version}`)
      .join(', '),
    `${registries} on both sides.`,
  ];
  const picture = work.passes ? [`![${work.title}](benchmarks/${work.name}.svg)`] : [];
  await updatePage(PAGE, work.name, [made.filter((part) => part !== '').join('; '), ...picture, text].join('\n\n'));
  await updatePage(SIZING, 'figures', await sizingText(join(root, FOLDER)));
}

/** Puts a text between its marks in a page. */
async function updatePage(path, name, text) {
  const page = await readFile(join(root, path), 'utf8');
  const begin = `<!-- ${name}: ${BEGIN.slice(5)}`;
  const from = page.indexOf(begin);
  const to = page.indexOf(END, from);
  if (from === -1 || to === -1) throw new Error(`${path} has no place for "${name}" (${begin} … ${END})`);
  await writeText(path, `${page.slice(0, from + begin.length)}\n\n${text}\n\n${page.slice(to)}`);
}

async function writeText(path, text) {
  const filepath = join(root, path);
  await writeFile(filepath, await format(text, { ...(await resolveConfig(filepath)), filepath }));
}

/** @param own what a work says of its figures that is not measured in passes */
function workText(work, tools, own) {
  return work.passes ? work.passes.map((pass) => passText(pass, tools)).join('\n\n') : own(work).join('\n');
}

function passText(pass, tools) {
  const ours = pass.tools.twinport;
  const peers = tools.filter((tool) => !tool.ours && pass.tools[tool.name]).map(({ name }) => name);
  const lines = [`**${pass.title ?? 'first copy'}**`, ''];
  lines.push(
    '| tool | wall time | CPU time | memory, peak | requests to the primary, secondary | bytes |',
    '| --- | --- | --- | --- | --- | --- |',
  );
  for (const [name, { runs, requests }] of Object.entries(pass.tools)) {
    lines.push(`| ${name} | ${seconds(runs, 'wallSeconds')} | ${seconds(runs, 'cpuSeconds')} | ${mebibytes(runs)} | ${counts(requests)} |`);
  }
  if (peers.length > 0) {
    lines.push('', '| Twinport to | wall time | CPU time | with start and end: wall time | CPU time |', '| --- | --- | --- | --- | --- |');
    for (const peer of peers) {
      const of = (figure, whole) => spread(ratios(ours.runs, [pass.tools[peer].runs], figure, whole), 2, '×');
      const whole = `${of('wallSeconds', 'wholeSeconds')} | ${of('cpuSeconds', 'wholeCpuSeconds')}`;
      lines.push(`| ${peer} | ${of('wallSeconds')} | ${of('cpuSeconds')} | ${whole} |`);
    }
    lines.push('', ...lostText(pass), ...(pass.goals ?? []).map((goal) => goalText(goal, pass, peers)));
  }
  const whole = spread(
    ours.runs.map((run) => run.wholeSeconds - run.wallSeconds),
    1,
    's',
  );
  const above = spread(
    ours.runs.map((run) => (run.peakBytes - run.idleBytes) / 2 ** 20),
    0,
    'MiB',
  );
  lines.push(
    '',
    `Twinport's processes took ${whole} more for the start and the end of what is embedded, and ${above} more memory than idle.`,
  );
  return lines.join('\n');
}

/** What each tool made of a blob that was lost, and whether Twinport sent more than that. */
function lostText({ tools: { twinport, ...peers } }) {
  const [{ lostBytes }] = twinport.runs;
  if (lostBytes === undefined) return [];
  const { uploads, uploadedBytes } = twinport.requests.secondary;
  const only = uploads === 1 && uploadedBytes === lostBytes;
  const left = Object.entries(peers).map(
    ([name, { runs }]) => `${name} ${runs.every(({ restored }) => restored) ? 'brought it back' : 'left it lost'}`,
  );
  return [
    `- Goal: only that blob moves. Found: ${uploads} upload of ${uploadedBytes} bytes, the blob has ${lostBytes}: ${reached(only)}.`,
    ...(left.length > 0 ? [`- Of the peers, ${left.join(', ')}: what they compare is the tag.`] : []),
  ];
}

function goalText({ of, most, peers: named }, pass, peers) {
  const against = peers.filter((peer) => named === undefined || named.includes(peer));
  if (against.length === 0) return '';
  const found = ratios(
    pass.tools.twinport.runs,
    against.map((peer) => pass.tools[peer].runs),
    of,
  );
  const name = of === 'wallSeconds' ? 'wall time' : 'CPU time';
  const whose = named === undefined ? 'the best peer' : named.join(', ');
  return `- Goal: ${name} at most ${most} × ${whose}. Found: ${spread(found, 2, '×')}: ${reached(median(found) <= most)}.`;
}

/** Of each round, our figure to the least of the peers'. */
function ratios(ours, peers, figure, ourFigure = figure) {
  return ours.map((run, round) => run[ourFigure] / Math.min(...peers.map((runs) => runs[round][figure])));
}

function seconds(runs, figure) {
  return spread(
    runs.map((run) => run[figure]),
    2,
    's',
  );
}

function mebibytes(runs) {
  return spread(
    runs.map((run) => run.peakBytes / 2 ** 20),
    0,
    'MiB',
  );
}

function counts(requests) {
  if (!requests) return '– | –';
  const sum = (side) => Object.values(requests[side].requests).reduce((total, count) => total + count, 0);
  const bytes = (side) => `${(requests[side].bytes / 2 ** 20).toFixed(1)} MiB`;
  return `${sum('primary')}, ${sum('secondary')} | ${bytes('primary')}, ${bytes('secondary')}`;
}
