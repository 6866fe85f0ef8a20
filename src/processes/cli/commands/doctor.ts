import type { Command } from 'commander';
import { exits, fileOf, makeCommand, type CommonOptions } from '../command.ts';

interface Options extends CommonOptions {
  readonly primary?: string;
  readonly secondary?: string;
}

/** `twinport doctor`: tries everything that a sync needs. */
export function doctorCommand(): Command {
  return makeCommand('doctor', 'Tries every connection and permission, and says what to do.', 'twinport doctor -c twinport.yaml')
    .option('--primary <url>', 'the registry to copy from, instead of a file')
    .option('--secondary <url>', 'the registry to copy to, instead of a file')
    .option('--json', 'one JSON object a check: {name, ok, found, fix}')
    .action(
      exits(async (options: Options) => {
        const { runDoctor } = await import('../doctor/run-doctor.ts');
        const { primary, secondary } = options;
        const where = {
          ...fileOf(options),
          ...(primary === undefined ? {} : { primary }),
          ...(secondary === undefined ? {} : { secondary }),
        };
        return runDoctor(where, options.json === true);
      }),
    );
}
