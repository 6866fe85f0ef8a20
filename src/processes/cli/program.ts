import { Command } from 'commander';
import { version } from '../version.ts';
import { commands } from './commands/index.ts';

/** The command line of `twinport`; throws instead of ending the process. */
export function createProgram(): Command {
  const program = new Command('twinport')
    .description('Keeps a container registry at every secondary site equal to the primary’s, and proves it.')
    .version(version(), '-V, --version')
    .showHelpAfterError('(add --help for what is possible)')
    .exitOverride();
  for (const make of commands) program.addCommand(hardened(make()));
  return program;
}

/** Commander hands its settings on to subcommands only where it makes them itself. */
function hardened(command: Command): Command {
  command.showHelpAfterError('(add --help for what is possible)').exitOverride().allowExcessArguments(false);
  for (const subcommand of command.commands) hardened(subcommand);
  return command;
}
