interface PagerProps {
  /** Where the pages after the first begin, down to the present one. */
  readonly cursors: readonly string[];
  readonly next: string | null | undefined;
  readonly turn: (cursors: readonly string[]) => void;
}

/** Turns the pages of a list. */
export function Pager({ cursors, next, turn }: PagerProps) {
  return (
    <nav class="pages" aria-label="Pages">
      <button type="button" disabled={cursors.length === 0} onClick={() => turn(cursors.slice(0, -1))}>
        ← Before
      </button>
      <span>Page {cursors.length + 1}</span>
      <button type="button" disabled={next == null} onClick={() => next != null && turn([...cursors, next])}>
        Next →
      </button>
    </nav>
  );
}
