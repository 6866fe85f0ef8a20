import { CommanderError } from 'commander';
import { failureOf, isTwinportError } from '../../model/failure.ts';
import { redact } from '../../telemetry/index.ts';
import { exitCodeOf } from './exit-code.ts';
import { clean, note } from './output.ts';
import { createProgram } from './program.ts';

const USAGE = 2;

/** Runs one command line. @returns the exit code */
export async function run(argv: readonly string[]): Promise<number> {
  const program = createProgram();
  try {
    await program.parseAsync([...argv]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Commander has already said on stderr what was wrong; help and version end with 0.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE;
    // A configuration's problems stand on a line each.
    note(`twinport: ${redact(failureOf(error).message).split('\n').map(clean).join('\n')}`);
    // What is not ours is a defect: its trace is worth more than a short message.
    if (!isTwinportError(error) && error instanceof Error) note(redact(error.stack ?? ''));
    return exitCodeOf(error);
  }
}
