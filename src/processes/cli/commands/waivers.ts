import type { Command } from 'commander';
import type { Waiver } from '../../../ledger/waivers.ts';
import { shortDigest } from '../../../model/text.ts';
import { exits, makeCommand, makeGroup, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { printJson, printTable } from '../output.ts';
import { siteName, type Page } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
}

const PAGE = 500;

/** `twinport waivers list` */
export function waiversCommand(): Command {
  return makeGroup('waivers', 'Images that are left out of the recovery point, by name.', listCommand());
}

function listCommand(): Command {
  return makeCommand(
    'list',
    'Lists the waivers of a site, by whom and why, and whether they still apply.',
    'twinport waivers list --site eu',
  )
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--json', 'one JSON object a waiver')
    .action(
      exits((options: Options) =>
        withApi(options.config, commandLogger('waivers'), async (api) => {
          const site = await siteName(api, options.site);
          let next: string | null = '';
          while (next !== null) {
            const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { cursor: next }) });
            const page: Page<Waiver> = await api.get(`/sites/${encodeURIComponent(site)}/waivers?${query.toString()}`);
            if (options.json === true) page.items.forEach(printJson);
            else if (page.items.length > 0) printTable(['IMAGE', 'DIGEST', 'APPLIES', 'SINCE', 'BY', 'REASON'], page.items.map(rowOf));
            next = page.next;
          }
          return 0;
        }),
      ),
    );
}

function rowOf({ reference, digest, inEffect, at, by, reason }: Waiver): string[] {
  return [reference, digest === null ? 'unread' : shortDigest(digest), inEffect ? 'yes' : 'no', at, by, reason];
}
