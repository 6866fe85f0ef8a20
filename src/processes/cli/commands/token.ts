import { Option, type Command } from 'commander';
import { readConfig } from '../read-config.ts';
import { failureOf, TwinportError } from '../../../model/failure.ts';
import { isRepositoryName } from '../../../model/reference.ts';
import { mintPullToken } from '../../../registry/auth/mint-pull-token.ts';
import type { Endpoint } from '../../../registry/endpoint.ts';
import { ping } from '../../../registry/ping.ts';
import { openSession } from '../../../registry/session.ts';
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
        const { key, certificate, issuer, service } = auth;
        const ttlSeconds = options.ttl ?? auth.ttlSeconds ?? TTL_SECONDS;
        const named = options.kid ?? auth.kid;
        const mint = (kid: string): Promise<string> =>
          mintPullToken({ key, issuer, service, repositories, kid, ttlSeconds, ...(certificate === undefined ? {} : { certificate }) });
        const token = named === undefined ? await acceptedToken(primary, mint) : await mint(named);
        if (options.json === true) printJson({ token, expiresAt: expiryOf(token) });
        else printLine(token);
        return 0;
      }),
    );
}

/** The primary tells which name of the key it knows; one that does not answer now is taken for the older kind. */
async function acceptedToken(primary: Endpoint, mint: (kid: string) => Promise<string>): Promise<string> {
  const first = await mint('libtrust');
  const session = openSession({ ...primary, auth: { type: 'bearer', token: first } });
  try {
    await ping(session);
    return first;
  } catch (thrown) {
    return failureOf(thrown).code === 'UNAUTHORIZED' ? await mint('rfc7638') : first;
  } finally {
    await session.close();
  }
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
