import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inHistories } from './actions.mjs';
import { cpuMsEach } from './scale.mjs';
import { median, number, quantile } from './statistics.mjs';

/*
 * What the sizing page says in figures: each made from the JSON of one of the works, which it names. Where a work was not measured it says so.
 */

/** @param folder where the works' figures are */
export async function sizingText(folder) {
  const names = ['small', 'far', 'large', 'pushes', 'actions', 'scale'];
  const works = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await figuresOf(folder, name)])));
  return [...costs(works), '', ...ceilings(works), '', madeOn(works)].join('\n');
}

async function figuresOf(folder, name) {
  const text = await readFile(join(folder, `${name}.json`), 'utf8').catch(() => undefined);
  return text && JSON.parse(text);
}

function costs({ small, large, pushes, actions, scale }) {
  const rows = [
    row('an image of the 1,000 small ones, first copy', small, 'small', () => {
      const pass = passOf(small, 'first');
      return [
        ms((1000 * medianOf(pass, 'cpuSeconds')) / 1000),
        requestsEach(pass, 1000),
        actions ? (inHistories(actions.actions.first) / actions.actions.images).toFixed(2) : '–',
      ];
    }),
    row('the same, compared again', small, 'small', () => {
      const pass = passOf(small, 'again');
      return [ms((1000 * medianOf(pass, 'cpuSeconds')) / 1000), requestsEach(pass, 1000), '–'];
    }),
    row('the same, read back (`--verify shallow`)', small, 'small', () => {
      const pass = passOf(small, 'verify');
      return [ms((1000 * medianOf(pass, 'cpuSeconds')) / 1000), requestsEach(pass, 1000), '–'];
    }),
    row('a GiB of large layers', large, 'large', () => {
      const pass = passOf(large, 'first');
      const gibibytes = pass.requests.secondary.bytes / 2 ** 30;
      return [`${(medianOf(pass, 'cpuSeconds') / gibibytes).toFixed(1)} s`, '–', '–'];
    }),
    row('a push (an event)', pushes, 'pushes', () => [
      ms(pushes.sustained.cpuMsPerPush),
      '–',
      actions ? (inHistories(actions.actions.pushes) / actions.actions.pushed).toFixed(2) : '–',
    ]),
    ...(scale?.scale.passes ?? [undefined]).flatMap((pass) => [
      row(`a tag in a scan of ${pass ? number(pass.tags) : '…'} with nothing to do`, scale, 'scale', () => [
        `${cpuMsEach(pass).toFixed(2)} ms`,
        sidesOf(pass.requests, (requests) => sum(requests) / pass.tags),
        pass.actions ? (inHistories(pass.actions) / pass.tags).toFixed(3) : '–',
      ]),
    ]),
    ...(scale ? [repositoryRow(scale.scale.passes.at(-1), scale)] : []),
  ];
  return [
    '| of | CPU | requests to the primary, secondary | actions of Temporal | measured by |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
  ];
}

function repositoryRow(pass, scale) {
  return row(`a repository of ${pass.tags / pass.repositories} tags in it`, scale, 'scale', () => [
    ms((cpuMsEach(pass) * pass.tags) / pass.repositories),
    sidesOf(pass.requests, (requests) => sum(requests) / pass.repositories),
    pass.actions ? (inHistories(pass.actions) / pass.repositories).toFixed(2) : '–',
  ]);
}

function row(what, measured, name, cells) {
  return `| ${[what, ...(measured ? cells() : ['not measured yet', '–', '–']), `[${name}.json](benchmarks/${name}.json)`].join(' | ')} |`;
}

/** What all processors of the machine together could do if nothing else were the limit, and what they did. */
function ceilings({ small, large, pushes, actions, scale }) {
  const lines = [];
  if (pushes) {
    const { sustained, idle, machine } = pushes;
    lines.push(
      `- **Pushes**: ${perSecond(machine, sustained.cpuMsPerPush).toFixed(0)} a second are the most that ${machine.processors} processors could do; ${sustained.perSecond.toFixed(1)} a second were sent, and the last was verified ${sustained.drainSeconds.toFixed(1)} s after them. Alone, a push can be pulled after ${quantile(idle, 0.5).toFixed(0)} ms (pushes.json).`,
    );
  }
  if (actions)
    lines.push(
      `- **Whose CPU**: of a push, ${sharesOf(actions.actions.pushes)}; of a first copy, ${sharesOf(actions.actions.first)} (actions.json).`,
    );
  if (small) {
    const pass = passOf(small, 'first');
    lines.push(`- **Small images**: ${(1000 / medianOf(pass, 'wallSeconds')).toFixed(0)} a second in a first copy (small.json).`);
  }
  if (large) {
    const pass = passOf(large, 'first');
    const rate = pass.requests.secondary.bytes / 2 ** 20 / medianOf(pass, 'wallSeconds');
    const above = median(pass.runs.map(({ peakBytes, idleBytes }) => peakBytes - idleBytes)) / 2 ** 20;
    lines.push(`- **Bytes**: ${rate.toFixed(0)} MiB a second, with ${above.toFixed(0)} MiB more memory than idle (large.json).`);
  }
  if (scale) lines.push(...scanCeiling(scale));
  return lines;
}

function scanCeiling({ scale: { passes, waiting } }) {
  const most = passes.at(-1);
  const each = Object.entries(most.peakBytes).filter(([name]) => name !== 'registries');
  const memory = each.map(([name, bytes]) => `${name} ${(bytes / 2 ** 20).toFixed(0)}`).join(', ');
  const saved = median(waiting.two.map((seconds, round) => seconds / waiting.one[round]));
  return [
    `- **Scans**: ${number(Math.round(most.tags / most.seconds))} tags a second at ${number(most.tags)} tags, ${(((most.tags / most.seconds) * 86_400) / 1e6).toFixed(0)} million a day; two workers took ${saved.toFixed(2)} × the time of one where waiting was the limit (scale.json).`,
    `- **Memory** at ${number(most.tags)} tags, at most, in MiB: ${memory} (scale.json).`,
    `- **Disk** at ${number(most.tags)} tags: the ledger ${(most.bytes.ledger / 2 ** 20).toFixed(0)} MiB, ${(most.bytes.ledger / most.tags).toFixed(0)} bytes a tag; its indexes are in that. The scan left ${(most.bytes.temporal / most.tags).toFixed(0)} bytes a tag in Temporal's storage, for as long as that keeps what has ended (scale.json).`,
  ];
}

function sharesOf({ cpuSeconds }) {
  const all = sum(cpuSeconds);
  const sorted = Object.entries(cpuSeconds).sort(([, a], [, b]) => b - a);
  return sorted.map(([name, seconds]) => `${name} ${((100 * seconds) / all).toFixed(0)} %`).join(', ');
}

function perSecond({ processors }, msEach) {
  return (processors * 1000) / msEach;
}

/** Works may have been measured on machines of other kinds: which on which is said then. */
function madeOn(works) {
  const measured = Object.entries(works).filter(([, work]) => work);
  const nameOf = ({ machine }) => `${machine.processors} processors (${machine.model}), ${machine.memoryGiB} GiB`;
  const machines = [...new Set(measured.map(([, work]) => nameOf(work)))];
  const of = (machine) => measured.filter(([, work]) => nameOf(work) === machine).map(([name]) => `${name}.json`);
  const said =
    machines.length > 1
      ? `Machines: ${machines.map((machine) => `${machine} (${of(machine).join(', ')})`).join('; ')}; compare no times across them`
      : `Machine: ${machines.join()}`;
  return `${said}. The registries and who pushes ran on it too, and their work is in no figure of CPU here.`;
}

function passOf(work, name) {
  const { tools } = work.passes.find((pass) => pass.name === name);
  return tools.twinport;
}

function medianOf({ runs }, figure) {
  return median(runs.map((run) => run[figure]));
}

function requestsEach({ requests }, count) {
  return sidesOf(requests, (side) => sum(side.requests) / count);
}

function sidesOf({ primary, secondary }, of) {
  return [primary, secondary].map((side) => of(side).toFixed(1)).join(', ');
}

function sum(counts) {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

function ms(value) {
  return `${value.toFixed(0)} ms`;
}
