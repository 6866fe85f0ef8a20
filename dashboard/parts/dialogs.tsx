import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { dialogs, type Field } from '../dialogs.ts';

/** The dialogs that are open. */
export function Dialogs() {
  return (
    <>
      {dialogs.use().map((question, at) => (
        <QuestionDialog key={at} {...question} />
      ))}
    </>
  );
}

type Asked = ReturnType<typeof dialogs.get>[number];

function QuestionDialog({ title, text, fields = [], verb, danger = false, submit, answer }: Asked) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  const onSubmit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const values = new FormData(event.target as HTMLFormElement).getAll('value').map(String);
    setBusy(true);
    const failed = await submit?.(values).catch((thrown: unknown) => (thrown as Error).message);
    setBusy(false);
    if (failed === undefined) answer(values);
    else setProblem(failed);
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => event.preventDefault()}
      onKeyDown={(event) => event.key === 'Escape' && answer(undefined)}
    >
      <form onSubmit={(event) => void onSubmit(event)}>
        <h2 id={id}>{title}</h2>
        {text.map((paragraph) => (
          <p key={paragraph}>{paragraph}</p>
        ))}
        {fields.map((field) => (
          <DialogField key={field.label} {...field} />
        ))}
        <p role="alert" class="bad">
          {problem ?? ''}
        </p>
        <div class="buttons">
          <button type="button" onClick={() => answer(undefined)}>
            Not now
          </button>
          <button class={danger ? 'danger' : 'main'} disabled={busy}>
            {verb}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function DialogField({ label, type, hint, value = '', required = false, bounds }: Field) {
  return (
    <label>
      {label}
      <input
        name="value"
        {...({ type } as { type: 'text' })}
        defaultValue={value}
        required={required}
        autocomplete={type === 'password' ? 'current-password' : 'off'}
        {...(bounds && { min: bounds[0], max: bounds[1] })}
      />
      {hint !== undefined && <small>{hint}</small>}
    </label>
  );
}
