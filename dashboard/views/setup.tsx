import { useState } from 'preact/hooks';
import type { Info } from '../../src/processes/starter/api/info.ts';
import type { Setup as SetupAnswer } from '../contract.ts';
import { FailureLine } from '../parts/failure-line.tsx';
import { Mark } from '../parts/mark.tsx';
import { When } from '../parts/when.tsx';
import { signIn } from '../request.ts';
import { useRead, useTick } from '../use-read.ts';

const EVERY_MS = 10_000;

/** Whether everything is as it must be, and what to give to the primary. */
export function Setup() {
  const { value: setup, failure, again } = useRead<SetupAnswer>('/setup', useTick(EVERY_MS));
  const { value: info } = useRead<Info>('/info', setup?.checkedAt);
  return (
    <>
      <h1 tabIndex={-1}>Setup</h1>
      {info?.primary && (
        <p>
          Primary <strong>{info.primary.name}</strong> ({info.primary.kind}) at <code>{info.primary.url}</code>
          <span class="soft"> · Twinport {info.version}</span>
        </p>
      )}
      <FailureLine failure={failure} />
      {setup && (
        <section>
          <h2>Checks</h2>
          <ul class="checks">
            {setup.checks.map(({ name, ok, message, remedy }) => (
              <li key={name}>
                <Mark tone={ok === null ? 'plain' : ok ? 'good' : 'bad'} />
                <div>
                  <strong>{name}</strong> <span class="unseen">{ok === null ? 'not checked' : ok ? 'good' : 'bad'}</span> {message}
                  {remedy !== null && <p class="soft">{remedy}</p>}
                </div>
              </li>
            ))}
          </ul>
          <p class="soft">
            checked <When at={setup.checkedAt} />
          </p>
        </section>
      )}
      {setup?.notifications && <Snippet {...setup.notifications} whole={info?.mayAct !== false} again={again} />}
    </>
  );
}

type SnippetProps = NonNullable<SetupAnswer['notifications']> & { readonly whole: boolean; readonly again: () => void };

/** A secret in it is shown to whoever may act. */
function Snippet({ kind, text, whole, again }: SnippetProps) {
  const [copied, setCopied] = useState(false);
  return (
    <section>
      <h2>Notifications of the primary ({kind})</h2>
      <pre tabIndex={0} aria-label="Settings for the primary">
        {text}
      </pre>
      <button type="button" onClick={() => void copy(text).then(setCopied)}>
        {copied ? 'Copied' : 'Copy'}
      </button>{' '}
      {!whole && (
        <button type="button" onClick={() => void signIn('Seeing the secret').then(again)}>
          Sign in to see the secret
        </button>
      )}
    </section>
  );
}

/** Browsers let a page copy only over https or on this machine; elsewhere the text is selected, to be copied by hand. */
async function copy(text: string): Promise<boolean> {
  if (isSecureContext) return navigator.clipboard.writeText(text).then(() => true);
  const shown = document.querySelector('pre');
  if (shown) getSelection()?.selectAllChildren(shown);
  return false;
}
