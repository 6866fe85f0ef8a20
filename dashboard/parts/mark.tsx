/** What a thing's state is, at a glance; the words beside it say the same. */
export type Tone = 'good' | 'bad' | 'wait' | 'plain';

const SHAPES: Readonly<Record<Tone, string>> = {
  good: 'M5 12.5l4.5 4.5L19 7.5',
  bad: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  wait: 'M12 6.5v6l4 2.5',
  plain: 'M7 12h10',
};

/** A mark that differs by shape, not by colour alone. */
export function Mark({ tone }: { readonly tone: Tone }) {
  return (
    <svg class={`mark ${tone}`} viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="12" />
      <path d={SHAPES[tone]} />
    </svg>
  );
}

/** A state in a word. */
export function Badge({ tone, word }: { readonly tone: Tone; readonly word: string }) {
  return <span class={`badge ${tone}`}>{word}</span>;
}
