import type { Command } from 'commander';
import { exits, fileOf, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';

interface Options extends CommonOptions {
  readonly resetSite?: boolean;
}

/** `twinport starter`: webhook, API and dashboard of a production system. */
export function starterCommand(): Command {
  return makeCommand(
    'starter',
    'Runs the webhook, the API and the dashboard; the sites’ workers run elsewhere.',
    'twinport starter -c /etc/twinport/twinport.yaml',
  )
    .option('--reset-site', 'forget what is known of a site whose primary, secondary or path changed')
    .option('--json', 'print the addresses as JSON')
    .action(
      exits(async (options: Options) => {
        const { runStarter } = await import('../run-up.ts');
        return runStarter({
          where: fileOf(options),
          resetSite: options.resetSite === true,
          json: options.json === true,
          logger: commandLogger('starter'),
        });
      }),
    );
}
