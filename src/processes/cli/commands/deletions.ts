import type { Command } from 'commander';
import type { HeldDeletion } from '../../../ledger/decide-deletions.ts';
import { TwinportError } from '../../../model/failure.ts';
import { count } from '../../../model/text.ts';
import { exits, makeCommand, makeGroup, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { note, printJson, printTable } from '../output.ts';
import { siteName, type Page } from '../site-option.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly all?: boolean;
}

const PAGE = 500;

/** `twinport deletions list|approve|reject` */
export function deletionsCommand(): Command {
  return makeGroup('deletions', 'Deletions that wait for a person.', listCommand(), decisionCommand('approve'), decisionCommand('reject'));
}

function listCommand(): Command {
  return makeCommand('list', 'Lists the deletions of a site that wait.', 'twinport deletions list --site eu')
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--json', 'one JSON object a deletion')
    .action(
      exits((options: Options) =>
        withApi(options.config, commandLogger('deletions'), async (api) => {
          const site = await siteName(api, options.site);
          let next: string | null = '';
          while (next !== null) {
            const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { cursor: next }) });
            const page: Page<HeldDeletion> = await api.get(`/sites/${encodeURIComponent(site)}/deletions?${query.toString()}`);
            if (options.json === true) page.items.forEach(printJson);
            else if (page.items.length > 0) printTable(['ID', 'IMAGE', 'STATE', 'REASON'], page.items.map(rowOf));
            next = page.next;
          }
          return 0;
        }),
      ),
    );
}

function decisionCommand(verdict: 'approve' | 'reject'): Command {
  const words = { approve: 'Lets deletions happen, after another look at both sides.', reject: 'Keeps the tags at the site.' };
  return makeCommand(`${verdict} [id...]`, words[verdict], `twinport deletions ${verdict} --site eu --all`)
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--all', 'all that wait, instead of named ones')
    .option('--json', 'print the answer as JSON')
    .action(
      exits(async (ids: string[], options: Options) => {
        if ((options.all === true) === ids.length > 0)
          throw new TwinportError('CONFIG', 'name deletions by their ids ("twinport deletions list"), or give --all');
        return withApi(options.config, commandLogger('deletions'), async (api) => {
          const site = await siteName(api, options.site);
          const body = options.all === true ? { all: true } : { ids };
          const answer = await api.post<{ count: number }>(`/sites/${encodeURIComponent(site)}/deletions/${verdict}`, body);
          if (options.json === true) printJson(answer);
          else note(`${site}: ${count(answer.count, 'deletion')} ${verdict === 'approve' ? 'approved' : 'rejected'}`);
          return 0;
        });
      }),
    );
}

function rowOf(held: HeldDeletion): string[] {
  return [held.id, held.reference, held.state, held.reason ?? ''];
}
