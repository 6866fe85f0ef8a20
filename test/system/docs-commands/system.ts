import { exec } from 'node:child_process';
import { dirname, delimiter } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { expect } from '@jest/globals';
import { freePort } from '../../../src/processes/embedded/free-port.ts';
import type { EmbeddedRegistry } from '../../../src/processes/embedded/registry.ts';
import { systemApi, type SystemApi } from '../../faults/api.ts';
import { findBinary } from '../../support/parts.ts';
import { quirkProxy, type QuirkProxy } from '../../support/quirk-proxy.ts';
import { codeOf, readmeTable, wordsOf } from '../../support/readme.ts';
import { startTemporal } from '../../../src/processes/embedded/temporal.ts';
import { testRegistry } from '../../support/registries.ts';
import { runFile, startTwinport, workFolder, type Ended, type RunningTwinport } from '../../support/twinport.ts';

/** Long enough for `doctor`. */
const SECRET = 'tTheSecretOfThisTest1';

/** How long a slow machine may take until an effect is seen. */
export const SEEN_MS = 90_000;

/** One whole system, and what runs the commands of the README's tables on it. */
export interface DocumentedSystem extends SystemApi {
  readonly folder: string;
  readonly primary: EmbeddedRegistry;
  readonly secondary: EmbeddedRegistry;
  /** In front of the two registries: what they answer can be changed. */
  readonly source: QuirkProxy;
  readonly target: QuirkProxy;
  readonly worker: RunningTwinport;
  readonly client: Client;
  /** What the API answers below the site, whatever the status. */
  ask(path: string): Promise<Record<string, unknown>>;
  /** Runs a row of "Temporal's own commands" as it is written. @returns what it printed */
  temporal(command: string): Promise<string>;
  /** Runs a form of "Commands" to its end. @param code what it must end with */
  twinport(form: string, args: readonly string[], code: number, folder?: string): Promise<Ended>;
  /** Starts a form of "Commands" that goes on. */
  start(form: string, args: readonly string[], folder?: string): RunningTwinport;
  /** Rows, forms, and words of forms, that were not run. */
  notRun(): string[];
  close(): Promise<void>;
}

/** Starts the production processes between two registries: the site `eu`, the primary telling of its pushes. */
export async function documentedSystem(
  fill: (system: Pick<DocumentedSystem, 'primary' | 'target'>) => Promise<void>,
): Promise<DocumentedSystem> {
  const [temporal, port, ran] = [await startTemporal(), await freePort(), await recordRuns()];
  const notifications = { url: `http://127.0.0.1:${port}/events/distribution`, secret: SECRET };
  const [primary, secondary] = await Promise.all([testRegistry({ version: 3, notifications }), testRegistry({ version: 3 })]);
  const [source, target] = await Promise.all([quirkProxy(primary.url), quirkProxy(secondary.url)]);
  await fill({ primary, target });
  const folder = await workFolder(`
temporal: { address: '${temporal.address}' }
webhook: { listen: '127.0.0.1:${port}', secret: ${SECRET} }
primary: { url: '${source.url}' }
secondaries: [{ name: eu, url: '${target.url}', deletes: { policy: guard, confirmAfter: 1s } }]
`);
  const start: DocumentedSystem['start'] = (form, args, where = folder) => {
    ran.form(form, args);
    return startTwinport(args, where);
  };
  await start('starter', ['starter']).waitFor(/Dashboard: /, SEEN_MS);
  const worker = start('worker --site S', ['worker', '--site', 'eu']);
  await worker.waitFor(/polls/, SEEN_MS);
  const { url, token } = await runFile(folder);
  const connection = await Connection.connect({ address: temporal.address });
  return {
    ...systemApi({ url, token, site: 'eu', primary: primary.url, secondary: secondary.url }),
    ...{ folder, primary, secondary, source, target, worker, start, notRun: ran.missing },
    client: new Client({ connection }),
    ask: async (path) => (await (await fetch(`${url}/api/v1/sites/eu${path}`)).json()) as Record<string, unknown>,
    temporal(command) {
      ran.row(command);
      return shell(command, temporal.address);
    },
    async twinport(form, args, code, where) {
      const ended = await start(form, args, where).ended;
      // What it said tells more than a number.
      expect({ args, code: ended.code, stderr: ended.stderr }).toEqual({ args, code, stderr: ended.stderr });
      return ended;
    },
    async close() {
      await connection.close();
      await temporal.stop(1_000);
    },
  };
}

/** The primary begins its lists of tags, and does not end them. */
export function heldListing({ source }: DocumentedSystem): { end(): void } {
  const rule = { path: /\/tags\/list/, stallResponseAfter: 0 };
  source.rules.unshift(rule);
  return {
    end() {
      source.rules.splice(source.rules.indexOf(rule), 1);
      source.cutAll();
    },
  };
}

/** Knows what the tables have, refuses all else, and remembers what was run. */
async function recordRuns() {
  const rows = new Map((await readmeTable("Temporal's own commands")).map(([, command = '']) => [codeOf(command).join(), false]));
  const forms = new Map((await readmeTable('Commands')).flatMap(([cell = '']) => codeOf(cell)).map((form) => [form, new Set<string>()]));
  return {
    row(command: string) {
      if (!rows.has(command)) throw new Error(`the README has no row with the command ${command}`);
      rows.set(command, true);
    },
    form(form: string, args: readonly string[]) {
      const words = forms.get(form);
      if (!words) throw new Error(`the README has no command of the form ${form}`);
      for (const arg of args) words.add(arg);
    },
    missing: () => [
      ...[...rows].filter(([, run]) => !run).map(([command]) => command),
      ...[...forms].flatMap(([form, words]) => wordsOf(form).flatMap((word) => (words.has(word) ? [] : [`${word} of: ${form}`]))),
    ],
  };
}

/** As a person types it; where Temporal is comes from the environment, so that the text stays as it is. */
function shell(command: string, address: string): Promise<string> {
  const path = `${dirname(findBinary('temporal'))}${delimiter}${process.env['PATH']}`;
  const env = {
    ...process.env,
    NODE_OPTIONS: '',
    PATH: path,
    TEMPORAL_ADDRESS: address,
    TEMPORAL_CONFIG_FILE: '/nonexistent/temporal.toml',
  };
  return new Promise((resolve, reject) => {
    exec(command, { env, shell: '/bin/sh' }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${command}: ${stderr}${stdout}`));
      else resolve(stdout);
    });
  });
}
