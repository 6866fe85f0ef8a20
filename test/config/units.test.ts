import { describe, expect, it } from '@jest/globals';
import { parseDuration, parseSize } from '../../src/config/units.ts';

describe('parseDuration', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['10m', 600_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1.5h', 5_400_000],
    ['0', 0],
    [0, 0],
  ])('%p is %p ms', (text, ms) => expect(parseDuration(text)).toBe(ms));
  it.each(['', '10', 10, '10 m', '-1h', '1w', 'h', undefined, null])('%p is none', (text) => expect(parseDuration(text)).toBeUndefined());
});

describe('parseSize', () => {
  it.each([
    ['50MiB', 52_428_800],
    ['1GB', 1e9],
    ['1.5KiB', 1536],
    ['10 MiB', 10_485_760],
    ['512', 512],
    [512, 512],
  ])('%p is %p bytes', (text, bytes) => expect(parseSize(text)).toBe(bytes));
  it.each(['', 'MiB', '-1', '5 parsecs', '5M', undefined])('%p is none', (text) => expect(parseSize(text)).toBeUndefined());
});
