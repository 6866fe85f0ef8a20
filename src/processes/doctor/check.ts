import { failureOf, isTwinportError, type FailureCode } from '../../model/failure.ts';

/** One thing that was tried. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was found, in a sentence. */
  readonly found: string;
  /** What to do; null where nothing needs to be done. With `ok` it is advice. */
  readonly fix: string | null;
}

/** A check with what decides the exit code. */
export interface CheckedPart extends Check {
  /** A dependency did not answer at all. */
  readonly unreachable: boolean;
}

const UNREACHABLE: ReadonlySet<FailureCode> = new Set(['UNREACHABLE', 'STALLED', 'UNAVAILABLE', 'RATE_LIMITED', 'TLS', 'LEDGER']);

const FIXES: Readonly<Partial<Record<FailureCode, string>>> = {
  UNREACHABLE: 'check the url, DNS, and that a firewall or proxy lets this machine through',
  STALLED: 'check the network, and proxies in between',
  UNAVAILABLE: 'look at the registry’s own log',
  TLS: 'give the authority that signed the certificate as tls.caFile, or mend the certificate',
  UNAUTHORIZED: 'check auth: user and password, or for token-key the key, issuer and service',
  DENIED: 'give the user of auth this permission',
  NOT_FOUND: 'check the url: no registry answers there',
  LEDGER: 'check ledger.url, and that PostgreSQL runs',
  RATE_LIMITED: 'wait, or ask for a higher limit; limits.requests lowers our own',
};

/** Runs a check; whatever it throws becomes what was found. */
export async function tryCheck(name: string, run: () => Promise<{ found: string; ok?: boolean; fix?: string }>): Promise<CheckedPart> {
  try {
    const { found, ok = true, fix = null } = await run();
    return { name, ok, found, fix, unreachable: false };
  } catch (error) {
    const { code, message } = failureOf(error);
    const fix = isTwinportError(error) ? (FIXES[code] ?? 'see the message') : 'this is a defect of Twinport: please report it';
    return { name, ok: false, found: message, fix, unreachable: UNREACHABLE.has(code) };
  }
}
