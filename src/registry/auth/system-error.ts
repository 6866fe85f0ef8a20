/** Says whether something thrown is a system error with one of these codes. */
export function isSystemError(thrown: unknown, ...codes: readonly string[]): boolean {
  return typeof thrown === 'object' && thrown !== null && 'code' in thrown && codes.includes(String(thrown.code));
}
