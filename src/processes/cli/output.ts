/** One value as one line of JSON on stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** A line for people on stdout: the data that was asked for. */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A line for people on stderr: progress, hints, failures. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Rows under a heading, columns as wide as their longest entry; control characters of foreign names are not passed on to the terminal. */
export function printTable(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const cells = [heading, ...rows].map((row) => row.map((cell) => clean(String(cell))));
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells)
    printLine(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** Text without control characters. */
export function clean(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
