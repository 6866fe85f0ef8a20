import { median } from './statistics.mjs';

const WIDTH = 720;
const LEFT = 120;
const RIGHT = 80;
const ROW = 26;
const OURS = '#0f766e';
const THEIRS = '#94a3b8';

/** A work's wall times as bars, a group a pass: the median, and a line from the least to the most. */
export function barChart({ title, passes }) {
  const groups = passes.map((pass) => ({
    title: pass.title ?? 'first copy',
    bars: Object.entries(pass.tools).map(([name, { runs }]) => ({ name, values: runs.map((run) => run.wallSeconds) })),
  }));
  const longest = Math.max(...groups.flatMap(({ bars }) => bars.flatMap(({ values }) => values)));
  const scale = (value) => (value / longest) * (WIDTH - LEFT - RIGHT);
  const parts = [];
  let y = 40;
  for (const { title: name, bars } of groups) {
    parts.push(text(LEFT, y + 4, name, 'font-weight="600"'));
    y += 16;
    for (const bar of bars) {
      parts.push(...drawn(bar, y, scale));
      y += ROW;
    }
    y += 18;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" font-family="system-ui, sans-serif" font-size="13" role="img" aria-label="${escaped(title)}: wall times">`,
    `<rect width="${WIDTH}" height="${y}" fill="#ffffff"/>`,
    text(12, 22, `${title}: seconds, less is better`, 'font-size="15" font-weight="600"'),
    ...parts,
    '</svg>',
    '',
  ].join('\n');
}

function drawn({ name, values }, y, scale) {
  const middle = median(values);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const centre = y + ROW / 2;
  return [
    text(LEFT - 10, centre + 4, name, 'text-anchor="end"'),
    `<rect x="${LEFT}" y="${y + 3}" width="${scale(middle).toFixed(1)}" height="${ROW - 8}" rx="3" fill="${name === 'twinport' ? OURS : THEIRS}"/>`,
    `<line x1="${(LEFT + scale(least)).toFixed(1)}" x2="${(LEFT + scale(most)).toFixed(1)}" y1="${centre - 1}" y2="${centre - 1}" stroke="#0f172a" stroke-width="1.5"/>`,
    text(LEFT + scale(most) + 8, centre + 4, middle.toFixed(middle < 10 ? 2 : 1)),
  ];
}

function text(x, y, content, more = '') {
  return `<text x="${typeof x === 'number' ? x.toFixed(1) : x}" y="${y}" fill="#0f172a" ${more}>${escaped(content)}</text>`;
}

function escaped(content) {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
