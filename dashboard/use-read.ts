import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { failureOf, type Failure } from '../src/model/failure.ts';
import { read } from './request.ts';

/** What was read from the API; what was there before stays while it is read anew, also from another path. */
export interface Reading<T> {
  readonly value: T | undefined;
  readonly failure: Failure | undefined;
  again(): void;
}

/**
 * Reads from the API when first shown and whenever `path` or `version` changes.
 * @param version something that changes when the answer may have
 */
export function useRead<T>(path: string, version: unknown = 0): Reading<T> {
  const [seen, see] = useState<{ value?: T; failure?: Failure }>({});
  const [round, setRound] = useState(0);
  const turn = useRef(0);
  useEffect(() => {
    const mine = ++turn.current;
    // An answer that comes after a later question's is of no use.
    const mayShow = (): boolean => mine === turn.current;
    read<T>(path).then(
      (value) => mayShow() && see({ value }),
      (thrown) => mayShow() && see((old) => ({ ...old, failure: failureOf(thrown) })),
    );
  }, [path, version, round]);
  const again = useCallback(() => setRound((n) => n + 1), []);
  return { value: seen.value, failure: seen.failure, again };
}

/** Gives a number that changes every so many milliseconds. */
export function useTick(everyMs: number): number {
  const [n, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => set((old) => old + 1), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return n;
}
