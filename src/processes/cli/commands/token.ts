import { Option, type Command } from 'commander';
import { readConfig } from '../read-config.ts';
import { TwinportError } from '../../../model/failure.ts';
import { isRepositoryName } from '../../../model/reference.ts';
import { exits, fileOf, makeCommand, type CommonOptions } from '../command.ts';
import { printJson, printLine } from '../output.ts';

interface Options extends CommonOptions {
  readonly repository: string[];
  readonly kid?: string;
  readonly ttl?: number;
}

const TTL_SECONDS = 300;

/** `twinport token`: a pull token for the primary, to try by hand what a worker does. */
export function tokenCommand(): Command {
  return makeCommand(
    'token',
    'Mints a short-lived pull token with the primary’s key (auth: token-key).',
    'twinport token --repository team/app',
  )
    .requiredOption('--repository <name...>', 'what may be pulled with it')
    .addOption(new Option('--ttl <seconds>', 'how long it lasts').argParser(secondsOf))
    .option(
      '--kid <kid>',
      'how the key is named: libtrust (Distribution 2, GitLab), rfc7638 (Distribution 3), or a name; by default the primary is asked',
    )
    .option('--json', 'print {token, expiresAt}')
    .action(
      exits(async (options: Options) => {
        const repositories = options.repository;
        const odd = repositories.find((name): boolean => !isRepositoryName(name));
        if (odd !== undefined) throw new TwinportError('NAME', `"${odd}" is no repository name; right would be team/app`);
        const { primary } = readConfig({ ...fileOf(options), sections: ['primary'] });
        const auth = primary?.auth;
        if (primary === undefined || auth?.type !== 'token-key') {
          const found = auth === undefined ? 'nothing' : auth.type;
          throw new TwinportError('CONFIG', `primary.auth.type: ${found} mints no tokens; right would be token-key`);
        }
        // Only now: the other commands need nothing of it.
        const { mintToken } = await import('../mint-token.ts');
        const token = await mintToken({ ...primary, auth }, repositories, {
          ttlSeconds: options.ttl ?? auth.ttlSeconds ?? TTL_SECONDS,
          kid: options.kid ?? auth.kid,
        });
        if (options.json === true) printJson({ token, expiresAt: expiryOf(token) });
        else printLine(token);
        return 0;
      }),
    );
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (Number.isSafeInteger(seconds) && seconds > 0 && seconds <= 86_400) return seconds;
  throw new TwinportError('CONFIG', `--ttl: "${text}" is no number of seconds; right would be 1 to 86400`);
}

function expiryOf(token: string): string {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
  return new Date(claims.exp * 1000).toISOString();
}
