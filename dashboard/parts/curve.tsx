/** A figure over time; null where nothing was known. */
export interface Point {
  readonly at: number;
  readonly y: number | null;
}

interface CurveProps {
  readonly title: string;
  /** The figure now, in words. */
  readonly now: string;
  readonly points: readonly Point[];
  /** How the largest figure reads. */
  readonly format: (y: number) => string;
}

const WIDTH = 320;
const HEIGHT = 56;

/** A small curve with the highest figure and the time that it spans. */
export function Curve({ title, now, points, format }: CurveProps) {
  const known = points.flatMap(({ y }) => (y === null ? [] : [y]));
  const [first, last] = [points[0], points.at(-1)];
  if (known.length < 2 || !first || !last || last.at === first.at) return null;
  const top = Math.max(...known);
  const x = (at: number): number => ((at - first.at) / (last.at - first.at)) * WIDTH;
  const y = (value: number): number => HEIGHT - 2 - (top === 0 ? 0 : (value / top) * (HEIGHT - 6));
  const lines = pieces(points).map((piece) => piece.map((point) => `${x(point.at).toFixed(1)},${y(point.y).toFixed(1)}`));
  const hours = (last.at - first.at) / 3_600_000;
  const span = hours < 2 ? `${Math.max(1, Math.round(hours * 60))} min` : `${Math.round(hours)} h`;
  return (
    <figure class="curve">
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${title}, the last ${span}: at most ${format(top)}, now ${now}`}
      >
        {lines.map((line) => {
          const [from, until] = [line[0]?.split(',')[0] ?? '0', line.at(-1)?.split(',')[0] ?? '0'];
          return (
            <g key={from}>
              <polygon points={`${from},${HEIGHT} ${line.join(' ')} ${until},${HEIGHT}`} />
              <polyline points={line.join(' ')} />
            </g>
          );
        })}
      </svg>
      <figcaption>
        <span>{span} ago</span>
        <span>at most {format(top)}</span>
        <span>now</span>
      </figcaption>
    </figure>
  );
}

/** What was not known is a gap, not a line through it. */
function pieces(points: readonly Point[]): { at: number; y: number }[][] {
  const found: { at: number; y: number }[][] = [[]];
  for (const { at, y } of points) {
    if (y === null) found.push([]);
    else found.at(-1)?.push({ at, y });
  }
  return found.filter((piece) => piece.length > 1);
}
