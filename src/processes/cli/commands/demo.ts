import type { Command } from 'commander';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';

interface Options extends CommonOptions {
  readonly exit?: boolean;
}

/** `twinport demo`: everything at work, with nothing to configure. */
export function demoCommand(): Command {
  return makeCommand('demo', 'Replicates between two throw-away registries, and shows a push while you watch.', 'twinport demo')
    .option('--exit', 'end after the push, instead of with Ctrl-C')
    .action(
      exits(async (options: Options) => {
        const { runDemo } = await import('../demo/run-demo.ts');
        return runDemo(options.exit === true, commandLogger('demo'));
      }),
    );
}
