import { createStore } from './store.ts';

/** Something to be typed into a dialog. */
export interface Field {
  readonly label: string;
  readonly type: 'text' | 'password' | 'number';
  readonly hint?: string;
  readonly value?: string;
  readonly required?: boolean;
  /** Of a number: the least and the most. */
  readonly bounds?: readonly [number, number];
}

/** What a dialog asks before something is done. */
export interface Question {
  readonly title: string;
  /** What will happen, a paragraph each. */
  readonly text: readonly string[];
  readonly fields?: readonly Field[];
  /** On the button that does it. */
  readonly verb: string;
  /** It cannot be taken back, or takes something away. */
  readonly danger?: boolean;
  /** Does it; what it gives is why it failed, and the dialog stays. */
  readonly submit?: (values: readonly string[]) => Promise<string | undefined>;
}

interface Asked extends Question {
  readonly answer: (values: readonly string[] | undefined) => void;
}

/** The dialogs that are open, one above the other. */
export const dialogs = createStore<readonly Asked[]>([]);

/** Asks; gives what was typed, or `undefined` if it was called off. */
export function ask(question: Question): Promise<readonly string[] | undefined> {
  return new Promise((resolve) => {
    const asked: Asked = {
      ...question,
      answer(values) {
        dialogs.set(dialogs.get().filter((one) => one !== asked));
        resolve(values);
      },
    };
    dialogs.set([...dialogs.get(), asked]);
  });
}

/** What was done, or why not; shown until the next one. */
export interface Note {
  readonly text: string;
  readonly bad: boolean;
}

export const note = createStore<Note | undefined>(undefined);
