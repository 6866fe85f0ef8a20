import { Option, type Command } from 'commander';
import { count } from '../../../model/text.ts';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import type { ExitCode } from '../exit-code.ts';
import { note, printJson } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly reason?: string;
}

/** `twinport waive`: leaves images that fail for good out of the recovery point, each at the digest that it has now. */
export function waiveCommand(): Command {
  return makeCommand(
    'waive <reference...>',
    'Leaves images that fail for good out of lag and recovery point, at the digest that they have now; they stay failed.',
    'twinport waive --site eu team/app:broken --reason "layers lost at the primary, see OPS-12"',
  )
    .option('--site <name>', 'the site; may be left out where there is only one')
    .addOption(new Option('--reason <text>', 'why, for the audit').makeOptionMandatory())
    .option('--json', 'print the answer as JSON')
    .action(exits((references: string[], options: Options) => change('waive', references, options)));
}

/** `twinport unwaive`: takes waivers back. */
export function unwaiveCommand(): Command {
  return makeCommand(
    'unwaive <reference...>',
    'Takes waivers back; what was proved without these images is proved no more.',
    'twinport unwaive --site eu team/app:broken',
  )
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--json', 'print the answer as JSON')
    .action(exits((references: string[], options: Options) => change('unwaive', references, options)));
}

function change(verb: 'waive' | 'unwaive', references: string[], { config, json, site, reason }: Options): Promise<ExitCode> {
  return withApi(config, commandLogger(verb), async (api) => {
    const name = await siteName(api, site);
    const body = { references, ...(reason === undefined ? {} : { reason }) };
    const answer = await api.post<{ count: number }>(`/sites/${encodeURIComponent(name)}/${verb}`, body);
    if (json === true) printJson(answer);
    else note(`${name}: ${count(answer.count, 'image')} ${verb}d`);
    return 0;
  });
}
