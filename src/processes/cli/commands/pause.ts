import type { Command } from 'commander';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { note, printJson } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
}

const WORDS = {
  pause: ['Pauses a site: its workers begin nothing more, what has begun ends; events are taken and wait.', 'is paused'],
  resume: ['Lets a paused site go on.', 'goes on'],
} as const;

/** `twinport pause` */
export const pauseCommand = (): Command => command('pause');

/** `twinport resume` */
export const resumeCommand = (): Command => command('resume');

function command(action: keyof typeof WORDS): Command {
  const [does, said] = WORDS[action];
  return makeCommand(action, does, `twinport ${action} --site eu`)
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--json', 'print the answer as JSON')
    .action(
      exits((options: Options) =>
        withApi(options.config, commandLogger(action), async (api) => {
          const site = await siteName(api, options.site);
          const answer = await api.post(`/sites/${encodeURIComponent(site)}/${action}`, {});
          if (options.json === true) printJson(answer);
          else note(`${site} ${said}`);
          return 0;
        }),
      ),
    );
}
