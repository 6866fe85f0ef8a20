/** Random numbers that come again with the seed. @see https://github.com/cprosche/mulberry32 */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Draws among things. */
export function drawOf(random: () => number): {
  /** 0 … below − 1 */
  below(below: number): number;
  between(least: number, most: number): number;
  one<T>(of: readonly T[]): T;
  chance(probability: number): boolean;
} {
  const below = (limit: number): number => Math.floor(random() * limit);
  return {
    below,
    between: (least, most) => least + random() * (most - least),
    one: <T>(of: readonly T[]): T => of[below(of.length)] as T,
    chance: (probability) => random() < probability,
  };
}

export type Draw = ReturnType<typeof drawOf>;
