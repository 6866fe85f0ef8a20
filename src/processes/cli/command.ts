import { Command } from 'commander';
import type { ExitCode } from './exit-code.ts';

/** The options that every command has. */
export interface CommonOptions {
  readonly config?: string;
  readonly json?: boolean;
}

/** A command with `-c FILE`, and an example in its help. */
export function makeCommand(usage: string, description: string, example: string): Command {
  const [name = '', ...parameters] = usage.split(' ');
  const command = new Command(name)
    .description(description)
    .option('-c, --config <file>', 'the configuration file (default: ./twinport.yaml, if there is one)')
    .addHelpText('after', `\nExample:\n  $ ${example}`);
  for (const parameter of parameters) command.argument(parameter);
  return command;
}

/** A command that holds others. */
export function makeGroup(name: string, description: string, ...subcommands: Command[]): Command {
  const group = new Command(name).description(description);
  for (const subcommand of subcommands) group.addCommand(subcommand);
  return group;
}

/** Makes what a handler returns the process's exit code. */
export function exits<A extends unknown[]>(handler: (...args: A) => Promise<ExitCode>): (...args: A) => Promise<void> {
  return async (...args) => {
    process.exitCode = await handler(...args);
  };
}

/** `file` where the option was given. */
export function fileOf(options: CommonOptions): { file?: string } {
  return options.config === undefined ? {} : { file: options.config };
}
