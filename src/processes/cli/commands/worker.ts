import type { Command } from 'commander';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';

interface Options extends CommonOptions {
  readonly site: string;
}

/** `twinport worker`: does the work of one site, beside its registry. */
export function workerCommand(): Command {
  return makeCommand(
    'worker',
    'Does the work of one site; run it beside that site’s registry.',
    'twinport worker --site eu -c /etc/twinport/twinport.yaml',
  )
    .requiredOption('--site <name>', 'the site')
    .action(
      exits(async (options: Options) => {
        const { runWorker } = await import('../run-worker.ts');
        return runWorker(options.config, options.site, commandLogger('worker'));
      }),
    );
}
