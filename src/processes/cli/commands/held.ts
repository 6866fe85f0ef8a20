import type { Command } from 'commander';
import type { HeldDeletion } from '../../../ledger/decide-deletions.ts';
import type { HeldMove } from '../../../ledger/decide-moves.ts';
import { TwinportError } from '../../../model/failure.ts';
import { count, shortDigest } from '../../../model/text.ts';
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

type Verdict = 'approve' | 'reject';

/** What one of the two groups is about. */
interface Held {
  readonly name: 'deletions' | 'moves';
  readonly one: string;
  readonly about: string;
  readonly verdicts: Readonly<Record<Verdict, string>>;
  readonly columns: readonly string[];
  readonly row: (item: never) => string[];
}

const DELETIONS: Held = {
  name: 'deletions',
  one: 'deletion',
  about: 'Deletions that wait for a person.',
  verdicts: { approve: 'Lets deletions happen, after another look at both sides.', reject: 'Keeps the tags at the site.' },
  columns: ['ID', 'IMAGE', 'STATE', 'REASON'],
  row: ({ id, reference, state, reason }: HeldDeletion) => [id, reference, state, reason ?? ''],
};

const MOVES: Held = {
  name: 'moves',
  one: 'move',
  about: 'Tags that the primary moved back to what they held before, or that "twinport undo" set back, and that wait for a person.',
  verdicts: {
    approve: 'Lets the tags follow the primary, after another look.',
    reject: 'Keeps the tags as they are at the site, until the primary moves them elsewhere.',
  },
  columns: ['ID', 'IMAGE', 'FROM', 'TO', 'STATE', 'REASON'],
  row: ({ id, reference, from, to, state, reason }: HeldMove) => [id, reference, shortDigest(from), shortDigest(to), state, reason ?? ''],
};

/** `twinport deletions list|approve|reject` */
export const deletionsCommand = (): Command => groupOf(DELETIONS);

/** `twinport moves list|approve|reject` */
export const movesCommand = (): Command => groupOf(MOVES);

/** `twinport primary approve|reject`: whether a site may follow a primary that has regressed. */
export function primaryCommand(): Command {
  const commands = (['approve', 'reject'] as const).map((verdict) => {
    const words = {
      approve: 'Lets the site follow the primary as it is now; until it is good again it is not asked about any more.',
      reject: 'Keeps the site as it is, until the primary is good again.',
    };
    return makeCommand(verdict, words[verdict], `twinport primary ${verdict} --site eu`)
      .option('--site <name>', 'the site; may be left out where there is only one')
      .option('--json', 'print the answer as JSON')
      .action(
        exits((options: Options) =>
          withApi(options.config, commandLogger('primary'), async (api) => {
            const site = await siteName(api, options.site);
            const answer = await api.post<{ primary: string }>(`/sites/${encodeURIComponent(site)}/primary/${verdict}`);
            if (options.json === true) printJson(answer);
            else note(`${site}: the regressed primary is ${answer.primary}`);
            return 0;
          }),
        ),
      );
  });
  return makeGroup('primary', 'A primary that lacks what was verified from it ("held: primary regressed").', ...commands);
}

function groupOf(held: Held): Command {
  return makeGroup(held.name, held.about, listCommand(held), decisionCommand(held, 'approve'), decisionCommand(held, 'reject'));
}

function listCommand({ name, one, columns, row }: Held): Command {
  return makeCommand('list', `Lists the ${name} of a site that wait.`, `twinport ${name} list --site eu`)
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--json', `one JSON object a ${one}`)
    .action(
      exits((options: Options) =>
        withApi(options.config, commandLogger(name), async (api) => {
          const site = await siteName(api, options.site);
          let next: string | null = '';
          while (next !== null) {
            const query = new URLSearchParams({ limit: String(PAGE), ...(next === '' ? {} : { cursor: next }) });
            const page: Page<never> = await api.get(`/sites/${encodeURIComponent(site)}/${name}?${query.toString()}`);
            if (options.json === true) page.items.forEach(printJson);
            else if (page.items.length > 0) printTable([...columns], page.items.map(row));
            next = page.next;
          }
          return 0;
        }),
      ),
    );
}

function decisionCommand({ name, one, verdicts }: Held, verdict: Verdict): Command {
  return makeCommand(`${verdict} [id...]`, verdicts[verdict], `twinport ${name} ${verdict} --site eu --all`)
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--all', 'all that wait, instead of named ones')
    .option('--json', 'print the answer as JSON')
    .action(
      exits(async (ids: string[], options: Options) => {
        if ((options.all === true) === ids.length > 0)
          throw new TwinportError('CONFIG', `name ${name} by their ids ("twinport ${name} list"), or give --all`);
        return withApi(options.config, commandLogger(name), async (api) => {
          const site = await siteName(api, options.site);
          const body = options.all === true ? { all: true } : { ids };
          const answer = await api.post<{ count: number }>(`/sites/${encodeURIComponent(site)}/${name}/${verdict}`, body);
          if (options.json === true) printJson(answer);
          else note(`${site}: ${count(answer.count, one)} ${verdict === 'approve' ? 'approved' : 'rejected'}`);
          return 0;
        });
      }),
    );
}
