import { beforeAll, describe, expect, it } from '@jest/globals';
import { testRegistry, TEST_USER } from '../support/registries.ts';
import { twinport, workFolder } from '../support/twinport.ts';

/** Tells each module that is imported on standard error. */
const TELL_IMPORTS = `data:text/javascript,${encodeURIComponent(
  `import { register } from 'node:module';
   register('data:text/javascript,' + encodeURIComponent(
     'export async function resolve(name, context, next) { const found = await next(name, context); process._rawDebug("import " + found.url); return found; }'));`,
)}`;
/** They take half a second to load, and most commands only ask another process. */
const HEAVY = /import \S*\/node_modules\/(undici|jose|fastify|kysely|pg|@temporalio)\//;
const SDKS = /import \S*\/node_modules\/(@aws-sdk|@azure|google-auth-library|@opentelemetry)\//;

it('no registry, no ledger and no Temporal is loaded to say what commands there are', async () => {
  const { stdout, stderr } = await twinport(['--help'], await workFolder(), { NODE_OPTIONS: `--import=${TELL_IMPORTS}` });
  expect(stdout).toMatch(/sync[\s\S]*status/);
  expect(stderr).toMatch(/import \S*cli\/program\.js/);
  expect(stderr).not.toMatch(HEAVY);
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
      NODE_OPTIONS: `--import=${TELL_IMPORTS}`,
    };
    return (await twinport(['doctor'], folder, env)).stderr;
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
