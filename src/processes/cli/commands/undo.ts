import type { Command } from 'commander';
import { shortDigest } from '../../../model/text.ts';
import type { UndoItem } from '../../starter/operations.ts';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { clean, note, printJson, printLine } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly to?: string;
}

/** `twinport undo`: sets tags of a site back, and keeps them there until a person lets them go. */
export function undoCommand(): Command {
  return makeCommand(
    'undo <reference...>',
    'Sets tags at a site back to what they stood for before their last move or deletion; they stay there until approved.',
    'twinport undo --site eu team/app:latest',
  )
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--to <digest>', 'an older one of the digests that the tag stood for; with one reference only')
    .option('--json', 'one JSON object a tag')
    .action(
      exits((references: string[], { config, json, site, to }: Options) =>
        withApi(config, commandLogger('undo'), async (api) => {
          const name = await siteName(api, site);
          const body = { references, ...(to === undefined ? {} : { to }) };
          const { items } = await api.post<{ items: UndoItem[] }>(`/sites/${encodeURIComponent(name)}/undo`, body);
          for (const item of items) {
            if (json === true) printJson(item);
            else printLine(describe(item));
          }
          if (items.some(({ state }) => state === 'restored'))
            note(`what was set back stays so until "twinport moves approve" or "twinport deletions approve" (--site ${name}) lets it go`);
          return items.every(({ state }) => state === 'restored') ? 0 : 1;
        }),
      ),
    );
}

function describe({ reference, from, to, state, reason }: UndoItem): string {
  const what = `${clean(reference)}: ${shortDigest(from ?? '') || 'not there'} → ${shortDigest(to)}`;
  if (state === 'restored') return `${what}: done`;
  if (state === 'failed') return `${what}: not done: ${clean(reason ?? '')}`;
  return `${what}: asked for and not done yet; ask again to see, and look whether a worker of the site runs`;
}
