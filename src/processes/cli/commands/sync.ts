import { Option, type Command } from 'commander';
import type { Depth } from '../../../model/policy.ts';
import { exits, fileOf, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';

interface Options extends CommonOptions {
  readonly primary?: string;
  readonly secondary?: string;
  readonly include?: string[];
  readonly verify: 'auto' | Depth;
  readonly dryRun?: boolean;
  readonly resetSite?: boolean;
}

/** `twinport sync`: one full backfill of every secondary, to its end. */
export function syncCommand(): Command {
  return makeCommand(
    'sync',
    'Makes every secondary equal to the primary once, shows how far it is, and ends.',
    'twinport sync --primary http://localhost:5000 --secondary http://localhost:5001',
  )
    .option('--primary <url>', 'the registry to copy from, instead of a file')
    .option('--secondary <url>', 'the registry to copy to, instead of a file')
    .option('--include <glob...>', 'only these repositories, with --primary and --secondary')
    .addOption(
      new Option('--verify <how>', 'what is read back: what has no recent verification, or everything')
        .choices(['auto', 'shallow', 'deep'])
        .default('auto'),
    )
    .option('--dry-run', 'only list what would be copied')
    .option('--reset-site', 'forget what is known of a site whose primary, secondary or path changed')
    .option('--json', 'print the result as JSON')
    .action(
      exits(async (options: Options) => {
        const { runSync } = await import('../sync/run-sync.ts');
        const { primary, secondary, include, verify } = options;
        return runSync({
          ...fileOf(options),
          ...(primary === undefined ? {} : { primary }),
          ...(secondary === undefined ? {} : { secondary }),
          ...(include === undefined ? {} : { include }),
          verify,
          dryRun: options.dryRun === true,
          resetSite: options.resetSite === true,
          json: options.json === true,
          logger: commandLogger('sync'),
        });
      }),
    );
}
