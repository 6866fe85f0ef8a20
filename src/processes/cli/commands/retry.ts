import type { Command } from 'commander';
import { TwinportError } from '../../../model/failure.ts';
import { count } from '../../../model/text.ts';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { note, printJson } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly failed?: boolean;
}

/** `twinport retry`: do not wait for the back-off. */
export function retryCommand(): Command {
  return makeCommand('retry [reference...]', 'Tries images again now.', 'twinport retry --site eu --failed')
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--failed', 'all that failed, instead of named ones (REPOSITORY or REPOSITORY:TAG)')
    .option('--json', 'print the answer as JSON')
    .action(
      exits(async (references: string[], options: Options) => {
        if ((options.failed === true) === references.length > 0)
          throw new TwinportError('CONFIG', 'name images as REPOSITORY[:TAG], or give --failed');
        return withApi(options.config, commandLogger('retry'), async (api) => {
          const site = await siteName(api, options.site);
          const body = options.failed === true ? { failed: true } : { references };
          const answer = await api.post<{ count: number }>(`/sites/${encodeURIComponent(site)}/retry`, body);
          if (options.json === true) printJson(answer);
          else note(`${site}: ${count(answer.count, 'retry').replace(/retrys$/, 'retries')} asked for`);
          return 0;
        });
      }),
    );
}
