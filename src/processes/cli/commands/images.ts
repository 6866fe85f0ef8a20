import { Option, type Command } from 'commander';
import type { ImageStatus } from '../../../ledger/images.ts';
import { shortDigest } from '../../../model/text.ts';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import { printJson, printTable } from '../output.ts';
import { siteName, type Page } from '../site-option.ts';
import type { ApiClient } from '../api-client.ts';

interface Options extends CommonOptions {
  readonly site?: string;
  readonly state?: string;
  readonly repository?: string;
}

const PAGE = 500;

/** `twinport images`: every image of a site, and how it is. */
export function imagesCommand(): Command {
  return makeCommand('images', 'Lists the images of a site.', 'twinport images --site eu --state failed')
    .option('--site <name>', 'the site; may be left out where there is only one')
    .addOption(
      new Option('--state <state>', 'only images in this state').choices([
        'pending',
        'started',
        'synced',
        'failed',
        'verified',
        'excluded',
        'held',
        'missing',
        'waived',
      ]),
    )
    .option('--repository <name>', 'only this repository')
    .option('--json', 'one JSON object an image')
    .action(
      exits((options: Options) =>
        withApi(options.config, commandLogger('images'), async (api) => {
          const site = await siteName(api, options.site);
          for await (const items of pagesOf(api, site, options)) {
            if (options.json === true) items.forEach(printJson);
            else if (items.length > 0) printTable(['IMAGE', 'SYNC', 'VERIFICATION', 'DIGEST', 'REASON'], items.map(rowOf));
          }
          return 0;
        }),
      ),
    );
}

async function* pagesOf(api: ApiClient, site: string, { state, repository }: Options): AsyncIterable<readonly ImageStatus[]> {
  let next: string | null = '';
  while (next !== null) {
    const query = new URLSearchParams({ limit: String(PAGE) });
    if (state !== undefined) query.set('state', state);
    if (repository !== undefined) query.set('repository', repository);
    if (next !== '') query.set('cursor', next);
    const page: Page<ImageStatus> = await api.get(`/sites/${encodeURIComponent(site)}/images?${query.toString()}`);
    yield page.items;
    next = page.next;
  }
}

function rowOf({ reference, sync, verification, digest, reason, waived }: ImageStatus): string[] {
  return [reference, sync, verification, digest ? shortDigest(digest) : '', `${waived ? '(waived) ' : ''}${reason ?? ''}`];
}
