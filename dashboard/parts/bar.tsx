import { share } from '../words.ts';

/** Part of a bar. */
export interface Part {
  readonly word: string;
  readonly n: number;
  readonly look: 'done' | 'part' | 'bad' | 'wait';
}

/** A share of a whole, with what is in the way of the rest. */
export function Bar({ label, parts, total }: { readonly label: string; readonly parts: readonly Part[]; readonly total: number }) {
  const [first] = parts;
  const others = parts.slice(1).filter(({ n }) => n > 0);
  const whole = Math.max(1, total);
  const text = `${share(first?.n ?? 0, total)}${others.map(({ word, n }) => `, ${n} ${word}`).join('')}`;
  let x = 0;
  return (
    <div class="bar">
      <span class="label">{label}</span>
      <svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img" aria-label={`${label}: ${text}`}>
        <rect class="rest" width="100" height="1" />
        {parts.map(({ word, n, look }) => {
          const width = (n / whole) * 100;
          const rect = <rect key={word} class={look} x={x} width={width} height="1" />;
          x += width;
          return rect;
        })}
      </svg>
      <span class="figure">{share(first?.n ?? 0, total)}</span>
    </div>
  );
}
