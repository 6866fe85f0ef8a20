import { inspect } from 'node:util';

/**
 * Marks fields of an object as secrets: JSON and `console.log` of it show `[hidden]`, reading them works as ever. A guard against
 * slips only; the logger strikes the values out wherever they turn up.
 */
export function hideSecrets<T extends object>(value: T, names: readonly string[]): T {
  const shown = () =>
    Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, names.includes(key) ? '[hidden]' : (entry as unknown)]));
  Object.defineProperty(value, 'toJSON', { value: shown, enumerable: false });
  Object.defineProperty(value, inspect.custom, { value: shown, enumerable: false });
  return value;
}
