const DURATION_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const SIZE_BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/**
 * Reads `500ms`, `30s`, `10m`, `24h`, `7d`, `1h30m`, or `0`.
 * @returns milliseconds, or `undefined` if it is none of these
 */
export function parseDuration(value: unknown): number | undefined {
  if (value === 0 || value === '0') return 0;
  if (typeof value !== 'string' || !/^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/.test(value)) return undefined;
  let total = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) total += Number(amount) * (DURATION_MS[unit ?? ''] ?? NaN);
  return Math.round(total);
}

/**
 * Reads `50MiB`, `1.5GB`, or a plain number of bytes.
 * @returns bytes, or `undefined` if it is neither
 */
export function parseSize(value: unknown): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?b|)$/i.exec(
    typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '',
  );
  const unit = SIZE_BYTES[match?.[2]?.toLowerCase() ?? ''];
  return match && unit !== undefined ? Math.round(Number(match[1]) * unit) : undefined;
}
