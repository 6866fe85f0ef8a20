import { Option, type Command } from 'commander';
import { exits, makeCommand, makeGroup, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { note, printJson } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly verify?: string;
}

const WORDS = {
  start: 'Starts a backfill, or joins the running one; returns once it is accepted.',
  pause: 'Pauses the running backfill; events go on.',
  resume: 'Lets a paused backfill go on.',
  cancel: 'Cancels the running backfill; the next one starts anew.',
} as const;

/** `twinport backfill start|pause|resume|cancel` */
export function backfillCommand(): Command {
  const actions = Object.keys(WORDS) as (keyof typeof WORDS)[];
  return makeGroup('backfill', 'Starts, pauses, resumes or cancels the backfill of a site.', ...actions.map(actionCommand));
}

function actionCommand(action: keyof typeof WORDS): Command {
  const command = makeCommand(action, WORDS[action], `twinport backfill ${action} --site eu`)
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--json', 'print the answer as JSON')
    .action(
      exits((options: Options) =>
        withApi(options.config, commandLogger('backfill'), async (api) => {
          const site = await siteName(api, options.site);
          const body = options.verify === undefined ? {} : { verify: options.verify };
          const answer = await api.post<{ joined?: boolean }>(`/sites/${encodeURIComponent(site)}/backfill/${action}`, body);
          if (options.json === true) printJson(answer);
          else note(said(action, site, answer.joined === true));
          return 0;
        }),
      ),
    );
  if (action !== 'start') return command;
  return command.addOption(new Option('--verify <how>', 'what is read back').choices(['auto', 'shallow', 'deep']));
}

function said(action: keyof typeof WORDS, site: string, joined: boolean): string {
  if (action === 'start') return joined ? `the running backfill of ${site} is joined` : `the backfill of ${site} has started`;
  return `the backfill of ${site}: ${action} accepted`;
}
