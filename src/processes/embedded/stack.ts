import { failureOf } from '../../model/failure.ts';

/** What was started, to be ended the other way round. */
export interface Stack {
  add(name: string, stop: () => Promise<unknown>): void;
  /** Ends all, each even if another fails to; tells the failures to `onError`. Safe to call twice. */
  close(): Promise<void>;
}

/** Makes an empty stack. */
export function createStack(onError: (name: string, message: string) => void = () => undefined): Stack {
  const parts: { readonly name: string; readonly stop: () => Promise<unknown> }[] = [];
  let closing: Promise<void> | undefined;
  const closeAll = async (): Promise<void> => {
    for (let part = parts.pop(); part; part = parts.pop()) {
      try {
        await part.stop();
      } catch (error) {
        onError(part.name, failureOf(error).message);
      }
    }
  };
  return {
    add(name, stop) {
      parts.push({ name, stop });
    },
    close() {
      closing ??= closeAll().finally(() => (closing = undefined));
      return closing;
    },
  };
}
