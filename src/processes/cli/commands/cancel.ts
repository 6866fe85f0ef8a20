import type { Command } from 'commander';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { clean, note, printJson, printLine } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
}

/** `twinport cancel`: stops what is being done for images now. */
export function cancelCommand(): Command {
  return makeCommand(
    'cancel <reference...>',
    'Cancels what runs for images now; the next event or scan starts anew.',
    'twinport cancel --site eu team/app:v1',
  )
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--json', 'one JSON object an image')
    .action(
      exits((references: string[], options: Options) =>
        withApi(options.config, commandLogger('cancel'), async (api) => {
          const site = await siteName(api, options.site);
          const { items } = await api.post<{ items: { reference: string; result: string }[] }>(
            `/sites/${encodeURIComponent(site)}/cancel`,
            { references },
          );
          for (const item of items) {
            if (options.json === true) printJson(item);
            else printLine(`${clean(item.reference)}: ${item.result}`);
          }
          note('this cancels the present run only: the next event or scan starts anew');
          return 0;
        }),
      ),
    );
}
