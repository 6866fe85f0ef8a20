import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { VerifyState } from '../../temporal/verify.ts';
import type { StartedRun } from '../../temporal/starting.ts';
import type { ApiClient } from '../api-client.ts';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import type { ExitCode } from '../exit-code.ts';
import { onInterruption } from '../interruption.ts';
import { note, printJson } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly depth?: string;
  readonly sample?: number;
  readonly wait?: boolean;
}

const EVERY_MS = 1_000;

/** `twinport verify`: reads back at a site what the ledger calls synced. */
export function verifyCommand(): Command {
  return makeCommand(
    'verify',
    'Reads back what a site holds, and mends what is missing or differs; with --wait it ends with 1 if something could not be mended.',
    'twinport verify --site eu --depth deep --wait',
  )
    .option('--site <name>', 'the site; may be left out where there is only one')
    .addOption(
      new Option('--depth <how>', 'last bytes of blobs, or every byte; default: verify.depth of the site').choices(['shallow', 'deep']),
    )
    .option('--sample <percent>', 'only this part of the images, chosen by chance, such as 10%', percent)
    .option('--wait', 'until it has ended')
    .option('--json', 'print the answer as JSON')
    .action(exits((options: Options) => withApi(options.config, commandLogger('verify'), (api) => verify(api, options))));
}

async function verify(api: ApiClient, options: Options): Promise<ExitCode> {
  const { depth, sample } = options;
  const site = await siteName(api, options.site);
  const path = `/sites/${encodeURIComponent(site)}/verify`;
  const run = await api.post<StartedRun>(path, { ...(depth === undefined ? {} : { depth }), ...(sample === undefined ? {} : { sample }) });
  if (options.wait !== true) {
    if (options.json === true) printJson(run);
    else note(run.joined ? `the running verification of ${site} is joined` : `the verification of ${site} has started`);
    return 0;
  }
  const state = await ended(api, path);
  if (options.json === true) printJson(state);
  else
    note(
      `${site}: ${state.images ?? 0} images read back, ${state.repaired ?? 0} mended, ${state.failed ?? 0} failed${(state.moving ?? 0) > 0 ? `, ${state.moving} moved all the time` : ''}; ${state.status.toLowerCase()}`,
    );
  return state.status === 'COMPLETED' && state.failed === 0 && (state.moving ?? 0) === 0 ? 0 : 1;
}

async function ended(api: ApiClient, path: string): Promise<VerifyState> {
  const { signal, close } = onInterruption();
  try {
    for (;;) {
      const state = await api.get<VerifyState>(path);
      if (signal.aborted || !['RUNNING', 'CONTINUED_AS_NEW', 'PAUSED'].includes(state.status)) return state;
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  } finally {
    close();
  }
}

function percent(text: string): number {
  const value = Number(/^(\d+(?:\.\d+)?)%?$/.exec(text)?.[1]) / 100;
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError('a part above 0% and up to 100% is needed, such as 10%');
}
