import { useEffect, useState } from 'preact/hooks';

/** A value that several parts of the page show. */
export interface Store<T> {
  get(): T;
  set(next: T): void;
  /** Inside a component: the value now, and anew whenever it changes. */
  use(): T;
}

/** Makes a store with its first value. */
export function createStore<T>(first: T): Store<T> {
  let value = first;
  const listeners = new Set<(next: T) => void>();
  return {
    get: () => value,
    set(next) {
      value = next;
      for (const listener of listeners) listener(next);
    },
    use() {
      const [seen, see] = useState(value);
      useEffect(() => {
        // It may have changed between the drawing and now.
        see(value);
        listeners.add(see);
        return () => void listeners.delete(see);
      }, []);
      return seen;
    },
  };
}
