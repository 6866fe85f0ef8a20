import { InvalidArgumentError, type Command } from 'commander';
import { parseSize } from '../../../config/index.ts';
import type { SiteLimits } from '../../../model/limits.ts';
import { formatBytes } from '../../../model/text.ts';
import type { ApiClient } from '../api-client.ts';
import { exits, makeCommand, type CommonOptions } from '../command.ts';
import { commandLogger } from '../command-logger.ts';
import { withApi } from '../control.ts';
import type { ExitCode } from '../exit-code.ts';
import { note, printJson, printTable } from '../output.ts';
import { siteName } from '../site-option.ts';

interface Options extends CommonOptions, SiteLimits {
  readonly site?: string;
  readonly reset?: boolean;
}

type Limits = { readonly [K in keyof SiteLimits]: number | null };

/** Names for people, in the order of the table. */
const NAMES = {
  requests: 'requests at a time',
  transfers: 'transfers at a time',
  bytesPerSecond: 'bytes a second',
  scanRequestsPerSecond: 'requests of scans a second',
} as const;

/** `twinport limits`: shows the limits of a running site, or changes them. */
export function limitsCommand(): Command {
  return makeCommand(
    'limits',
    'Shows the limits of a site, or changes them while it runs, until they are reset.',
    'twinport limits --site eu --bytes-per-second 20MiB',
  )
    .option('--site <name>', 'the site; may be left out where there is only one')
    .option('--requests <n>', 'requests to its registry at a time', count)
    .option('--transfers <n>', 'blobs to and from it at a time', count)
    .option('--bytes-per-second <size>', 'of these blobs, such as 20MiB', size)
    .option('--scan-requests-per-second <n>', 'what comparing may cost each of the two registries', count)
    .option('--reset', 'keep to the configuration again')
    .option('--json', 'print the limits as JSON')
    .action(exits((options: Options) => withApi(options.config, commandLogger('limits'), (api) => limits(api, options))));
}

async function limits(api: ApiClient, options: Options): Promise<ExitCode> {
  const site = await siteName(api, options.site);
  const path = `/sites/${encodeURIComponent(site)}/limits`;
  const change = Object.fromEntries(named().flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])));
  if (options.reset === true) await api.post(`${path}/reset`);
  if (Object.keys(change).length > 0) await api.post(path, change);
  const { configured, changed } = await api.get<{ configured: Limits; changed: Limits | null }>(path);
  if (options.json === true) printJson({ configured, changed });
  else
    printTable(
      ['LIMIT', 'CONFIGURED', 'CHANGED'],
      named().map((name) => [NAMES[name], shown(name, configured[name]), shown(name, changed?.[name], '')]),
    );
  if (Object.keys(change).length > 0) note(`${site}: its workers keep to this within some seconds`);
  return 0;
}

const named = (): (keyof SiteLimits)[] => Object.keys(NAMES) as (keyof SiteLimits)[];

function shown(name: keyof SiteLimits, value: number | null | undefined, otherwise = 'none'): string {
  if (value === null || value === undefined) return otherwise;
  return name === 'bytesPerSecond' ? formatBytes(value) : String(value);
}

function count(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number is needed');
}

function size(text: string): number {
  const bytes = parseSize(text);
  if (bytes !== undefined) return bytes;
  throw new InvalidArgumentError('a size is needed, such as 20MiB');
}
