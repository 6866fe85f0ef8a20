import type { Failure } from '../../src/model/failure.ts';
import { signIn } from '../request.ts';

/** Why something is not shown, or not as new as it should be. */
export function FailureLine({ failure }: { readonly failure: Failure | undefined }) {
  if (!failure) return null;
  return (
    <p class="bad" role="alert">
      {failure.message}{' '}
      {failure.code === 'UNAUTHORIZED' && (
        <button type="button" onClick={() => void signIn('Reading here')}>
          Sign in
        </button>
      )}
    </p>
  );
}
