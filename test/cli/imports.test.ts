import { beforeAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { testRegistry, TEST_USER } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';

/** The compiled modules one by one, as they were before they became one file. */
const RUN = new URL('../../dist/src/processes/cli/run.js', import.meta.url).href;

/** Tells each module that is imported on standard error. */
const TELL_IMPORTS = `data:text/javascript,${encodeURIComponent(
  `import { register } from 'node:module';
   register('data:text/javascript,' + encodeURIComponent(
     'export async function resolve(name, context, next) { const found = await next(name, context); process._rawDebug("import " + found.url); return found; }'));`,
)}`;
/** Runs a command module by module. @returns what is printed */
async function runModules(
  args: readonly string[],
  cwd: string,
  env: Record<string, string> = {},
): Promise<{ stdout: string; stderr: string }> {
  const code = `const { run } = await import('${RUN}'); process.exitCode = await run(['node', 'twinport', ...${JSON.stringify(args)}]);`;
  const options = { cwd, env: { ...process.env, ...env, NODE_OPTIONS: `--import=${TELL_IMPORTS}` } };
  return new Promise((done) =>
    execFile(process.execPath, ['--input-type=module', '-e', code], options, (_, stdout, stderr) => done({ stdout, stderr })),
  );
}

/** They take half a second to load, and most commands only ask another process. */
const HEAVY = /import \S*\/node_modules\/(undici|jose|fastify|kysely|pg|@temporalio)\//;
const SDKS = /import \S*\/node_modules\/(@aws-sdk|@azure|google-auth-library|@opentelemetry)\//;

it('no registry, no ledger and no Temporal is loaded to say what commands there are', async () => {
  const { stdout, stderr } = await runModules(['--help'], await workFolder());
  expect(stdout).toMatch(/sync[\s\S]*status/);
  expect(stderr).toMatch(/import \S*cli\/program\.js/);
  expect(stderr).not.toMatch(HEAVY);
});

it('the built program is one file, and finds its modules in it', async () => {
  const { stdout, stderr } = await twinport(['--help'], await workFolder(), { NODE_OPTIONS: `--import=${TELL_IMPORTS}` });
  expect(stdout).toMatch(/sync[\s\S]*status/);
  const files = [...stderr.matchAll(/import file:\S*\/dist\/src\/(\S*)/g)].map(([, file]) => file);
  expect(files).toEqual(['processes/cli/main.js', 'processes/built.js']);
});

describe('the SDKs of clouds', () => {
  let url: string;
  beforeAll(async () => {
    ({ url } = await testRegistry({ version: 3, auth: { type: 'htpasswd', users: [TEST_USER.line] } }));
  });

  async function importsOf(auth: string): Promise<string> {
    const folder = await workFolder(
      `primary: { url: '${url}', auth: ${auth} }\nsecondaries: [{ name: eu, url: 'http://127.0.0.1:9', auth: { type: none } }]\n`,
    );
    const env = {
      AWS_EC2_METADATA_DISABLED: 'true',
      METADATA_SERVER_DETECTION: 'none',
      HOME: folder,
    };
    return (await runModules(['doctor'], folder, env)).stderr;
  }

  it('are not loaded by who needs none', async () => {
    const imports = await importsOf(`{ type: basic, username: ${TEST_USER.username}, password: ${TEST_USER.password} }`);
    expect(imports).toMatch(/import \S*registry\/session\.js/);
    expect(imports).not.toMatch(SDKS);
  });

  it.each([
    ['{ type: acr, credential: environment }', '@azure/identity'],
    ['{ type: ecr, region: eu-west-1 }', '@aws-sdk/client-ecr'],
    ['{ type: gar, keyFile: twinport.yaml }', 'nothing'],
    ['{ type: gar }', 'google-auth-library'],
  ])('%s loads %s', async (auth, name) => {
    const loaded = [...(await importsOf(auth)).matchAll(new RegExp(SDKS, 'g'))].map(([, sdk]) => sdk);
    expect([...new Set(loaded)]).toEqual(name === 'nothing' ? [] : [name.split('/')[0]]);
  });
});
