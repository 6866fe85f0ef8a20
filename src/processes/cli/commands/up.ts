import type { Command } from 'commander';
import { exits, fileOf, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';

interface Options extends CommonOptions {
  readonly primary?: string;
  readonly secondary?: string;
  readonly include?: string[];
  readonly resetSite?: boolean;
}

/** `twinport up`: the whole system on one machine. */
export function upCommand(): Command {
  return makeCommand('up', 'Runs the whole system on this machine until interrupted.', 'twinport up -c twinport.yaml')
    .option('--primary <url>', 'the registry to copy from, instead of a file')
    .option('--secondary <url>', 'the registry to copy to, instead of a file')
    .option('--include <glob...>', 'only these repositories, with --primary and --secondary')
    .option('--reset-site', 'forget what is known of a site whose primary, secondary or path changed')
    .option('--json', 'print the addresses as JSON')
    .action(
      exits(async (options: Options) => {
        const { runUp } = await import('../run-up.ts');
        const { primary, secondary, include } = options;
        const where = {
          ...fileOf(options),
          ...(primary === undefined ? {} : { primary }),
          ...(secondary === undefined ? {} : { secondary }),
          ...(include === undefined ? {} : { include }),
        };
        return runUp({ where, resetSite: options.resetSite === true, json: options.json === true, logger: commandLogger('up') });
      }),
    );
}
