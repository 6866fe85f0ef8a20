import { isTwinportError, TwinportError } from '../model/failure.ts';

/** Worth the same again at once: PostgreSQL chose us as the victim of two that waited for each other. */
const CONFLICTS: ReadonlySet<string> = new Set(['40001', '40P01']);

/** What is wrong with the statement or its data, not with the server: our own defect. */
const DEFECTS = /^(?:21|22|23|42)/;

/** Which of the server's refusals an operator mends, and how. */
const ADVICE: Readonly<Record<string, string>> = {
  '28P01': 'check the password in ledger.url',
  '28000': 'check the user in ledger.url, and what pg_hba.conf lets it do',
  '3D000': 'create the database that ledger.url names',
  '42501': 'let the user of ledger.url create tables in its database (it should own it)',
  '53300': 'PostgreSQL is out of connections: raise max_connections',
};

/** Says whether a transaction may simply be run again. */
export function isConflict(thrown: unknown): boolean {
  return CONFLICTS.has(codeOf(thrown));
}

/** Says whether the statement itself was refused, so that others may still pass. */
export function isDefect(thrown: unknown): boolean {
  const code = isTwinportError(thrown) ? codeOf(thrown.cause) : codeOf(thrown);
  return DEFECTS.test(code) && !(code in ADVICE);
}

/** Turns what the driver threw into an error of ours; what is ours already stays. Neither URL nor password is in the driver's messages. */
export function ledgerError(thrown: unknown): TwinportError {
  if (isTwinportError(thrown)) return thrown;
  const code = codeOf(thrown);
  const said = messageOf(thrown);
  if (isDefect(thrown))
    return new TwinportError('INTERNAL', `the ledger refused a statement of ours (${code}): ${said}`, { cause: thrown });
  const advice = ADVICE[code];
  return new TwinportError('LEDGER', `the ledger does not answer as it should: ${said}${advice === undefined ? '' : `; ${advice}`}`, {
    cause: thrown,
    retry: 'now',
  });
}

function codeOf(thrown: unknown): string {
  const code = typeof thrown === 'object' && thrown !== null && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : '';
}

/** Several addresses of one name fail as a list whose own message is empty. */
function messageOf(thrown: unknown): string {
  const { message, errors, code } = (thrown ?? {}) as { message?: string; errors?: unknown[]; code?: string };
  if (message) return message;
  return errors?.length ? errors.map(messageOf).join(', ') : (code ?? String(thrown));
}
