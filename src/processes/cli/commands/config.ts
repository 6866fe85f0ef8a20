import type { Command } from 'commander';
import { describeSenders, ownSenders } from '../describe-senders.ts';
import { readConfig } from '../read-config.ts';
import { exits, fileOf, makeCommand, makeGroup, type CommonOptions } from '../command.ts';
import { note, printJson, printLine } from '../output.ts';

/** `twinport config check`: reads the file as the processes would. */
export function configCommand(): Command {
  const check = makeCommand(
    'check',
    'Reads the configuration as every process would, and says what is wrong.',
    'twinport config check -c twinport.yaml',
  )
    .option('--json', 'print what was read as JSON, without secrets')
    .action(
      exits(async (options: CommonOptions) => {
        const config = readConfig({
          ...fileOf(options),
          sections: ['temporal', 'telemetry', 'ledger', 'control', 'webhook', 'worker', 'primary', 'secondaries'],
        });
        const sites = config.secondaries.map(({ name, endpoint, primary, policy }) => ({
          name,
          url: endpoint.url,
          kind: endpoint.kind,
          auth: endpoint.auth.type,
          primary: primary.url,
          path: policy.path,
          repositories: policy.repositories,
          tags: policy.tags,
          deletes: policy.deletes.policy,
        }));
        const temporal = config.temporal === undefined ? 'embedded' : config.temporal.address;
        const summary = {
          ok: true,
          file: config.file ?? null,
          dataDir: config.dataDir,
          temporal,
          ledger: config.ledger === undefined ? 'embedded' : 'configured',
          sites,
          events: describeSenders(config.webhook),
        };
        if (options.json === true) printJson(summary);
        else {
          for (const site of sites) printLine(`${site.name}: ${site.primary} -> ${site.url} (${site.kind}, ${site.auth})`);
          for (const [source, proof] of ownSenders(config.webhook)) printLine(`events of ${source}: ${proof}`);
          note(`${config.file ?? 'the configuration'} is right`);
        }
        return 0;
      }),
    );
  return makeGroup('config', 'Looks at the configuration.', check);
}
