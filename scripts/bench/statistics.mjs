/** The median, and from where to where. */
export function spread(values, digits, unit) {
  if (values.length === 0) return '–';
  const [least, most] = [Math.min(...values), Math.max(...values)].map((value) => value.toFixed(digits));
  return `${median(values).toFixed(digits)} ${unit} (${least}–${most})`;
}

/** The value in the middle, or between the two in the middle. */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The least value that is not below so large a share of them. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)];
}

/** How the page says whether a goal was reached. */
export function reached(holds) {
  return holds ? 'reached' : '**not reached**';
}

/** With commas between thousands. */
export function number(value) {
  return value.toLocaleString('en-US');
}
