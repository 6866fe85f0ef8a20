import { describe, expect, it } from '@jest/globals';
import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { jwtVerify } from 'jose';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { createProgram } from '../../src/processes/cli/program.ts';
import { twinport, workFolder } from '../support/twinport.ts';

const CONFIG = `
primary: { url: "http://127.0.0.1:5000", auth: { type: none } }
secondaries:
  - { name: eu, url: "http://127.0.0.1:5001", auth: { type: basic, username: u, password: "s3cret-password" } }
`;

describe('usage', () => {
  it.each<[string[], RegExp]>([
    [['--odd'], /unknown option '--odd'/],
    [['odd'], /unknown command 'odd'/],
    [['sync', '--odd'], /unknown option '--odd'/],
    [['sync', 'extra', '--primary', 'http://127.0.0.1:1', '--secondary', 'http://127.0.0.1:2'], /too many arguments/],
    [['sync', '--verify', 'odd'], /auto, shallow, deep/],
    [['sync'], /twinport\.yaml/],
    [['sync', '--primary', 'http://127.0.0.1:1'], /--secondary/],
    [['sync', '-c', 'nowhere.yaml'], /nowhere\.yaml/],
    [['worker'], /--site/],
    [['backfill', 'odd'], /unknown command/],
    [['retry', '--site', 'eu'], /--failed/],
    [['retry', '--site', 'eu', '--failed', 'team/app'], /--failed/],
    [['cancel', '--site', 'eu'], /missing required argument/],
    [['deletions', 'approve', '--site', 'eu'], /--all/],
    [['moves', 'reject', '--site', 'eu'], /--all/],
    [['undo', '--site', 'eu'], /missing required argument/],
    [['images', '--state', 'odd'], /Allowed choices/],
    [['token'], /--repository/],
    [['token', '--repository', 'NO'], /NO/],
  ])('%j ends with 2 and a sentence on stderr', async (args, sentence) => {
    const { code, stdout, stderr } = await twinport(args, await workFolder());
    expect(stderr).toMatch(sentence);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('every command has an example in its help, and -c', async () => {
    const help: string[] = [];
    const visit = (command: ReturnType<typeof createProgram>, path: string): void => {
      if (command.commands.length > 0) return command.commands.forEach((each) => visit(each, `${path} ${each.name()}`));
      let text = '';
      command.configureOutput({ writeOut: (part) => (text += part) }).outputHelp();
      expect(text).toContain(`Example:\n  $ ${path.trim()}`);
      expect(text).toContain('-c, --config <file>');
      help.push(path.trim());
    };
    visit(createProgram(), 'twinport');
    expect(help).toContain('twinport deletions approve');
    const folder = await workFolder();
    expect(await twinport(['sync', '--help'], folder)).toMatchObject({ code: 0, stdout: expect.stringContaining('--dry-run') });
    expect(await twinport(['--version'], folder)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('what is not there', () => {
  it('starter and worker need temporal.address: 2', async () => {
    const folder = await workFolder(CONFIG);
    for (const args of [['starter'], ['worker', '--site', 'eu']]) {
      expect(await twinport(args, folder)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('temporal.address') });
    }
  });

  it('a registry that does not answer: 3, with the side', async () => {
    const folder = await workFolder();
    const [primary, secondary] = [await freePort(), await freePort()];
    const { code, stderr } = await twinport(
      ['sync', '--dry-run', '--primary', `http://127.0.0.1:${primary}`, '--secondary', `http://127.0.0.1:${secondary}`],
      folder,
    );
    expect(code).toBe(3);
    expect(stderr).toContain(`the primary (http://127.0.0.1:${primary})`);
    expect(stderr).toContain(`the secondary`);
  });

  it('no Twinport, and no ledger: 3', async () => {
    expect(await twinport(['status'], await workFolder(CONFIG))).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('no Twinport runs here'),
    });
  });

  it('control.url that does not answer: 3', async () => {
    const folder = await workFolder(`${CONFIG}\ncontrol: { url: "http://127.0.0.1:${await freePort()}", token: t0ken-t0ken }\n`);
    expect(await twinport(['status'], folder)).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('control.url') });
  });

  it('control.url that is something else: 3, and the token goes nowhere else', async () => {
    const seen: (string | undefined)[] = [];
    const elsewhere = await serve((_url, authorization) => {
      seen.push(authorization);
      return { status: 200, body: '{"items":[],"next":null}' };
    });
    const front = await serve(() => ({ status: 302, body: '', location: elsewhere.url }));
    const folder = await workFolder(`${CONFIG}\ncontrol: { url: "${front.url}", token: t0ken-t0ken }\n`);
    expect(await twinport(['status'], folder)).toMatchObject({ code: 3, stderr: expect.stringContaining('302') });
    expect(seen).toEqual([]);
    front.server.close();
    elsewhere.server.close();
  });
});

describe('through the API', () => {
  it('asks with the token, prints only data on stdout, and takes the API’s word for the exit code', async () => {
    const asked: string[] = [];
    const site = {
      name: 'eu',
      ready: false,
      reason: 'r',
      total: 2,
      synced: 1,
      verified: 1,
      failed: 1,
      pending: 0,
      held: 0,
      foreign: 0,
      backfill: { state: 'done', done: 1, total: 1 },
    };
    const api = await serve((url, authorization) => {
      asked.push(`${authorization} ${url}`);
      if (url.endsWith('/sites')) return { status: 200, body: JSON.stringify({ items: [site], next: null }) };
      if (url.includes('cursor=')) return { status: 200, body: JSON.stringify({ items: [{ reference: 'b:v2' }], next: null }) };
      if (url.includes('/images')) return { status: 200, body: JSON.stringify({ items: [{ reference: 'a:v1' }], next: 'n/x' }) };
      return { status: 404, body: JSON.stringify({ error: { code: 'NOT_FOUND', message: 'there is no site "mars"' } }) };
    });
    const folder = await workFolder(`${CONFIG}\ncontrol: { url: "${api.url}", token: t0ken-t0ken }\n`);
    const status = await twinport(['status', '--json'], folder);
    expect([status.code, status.json]).toEqual([1, site]);
    const images = await twinport(['images', '--json', '--state', 'failed'], folder);
    expect(images.code).toBe(0);
    expect(images.stdout).toBe('{"reference":"a:v1"}\n{"reference":"b:v2"}\n');
    expect(asked).toContain('Bearer t0ken-t0ken /api/v1/sites/eu/images?limit=500&state=failed&cursor=n%2Fx');
    const mars = await twinport(['backfill', 'start', '--site', 'mars'], folder);
    expect(mars).toMatchObject({ code: 2, stdout: '', stderr: 'twinport: there is no site "mars"\n' });
    api.server.close();
  });
});

describe('undo', () => {
  it('says of each tag what became of it, and ends with 1 where one is not back', async () => {
    const bodies: string[] = [];
    const digests = { from: `sha256:${'2'.repeat(64)}`, to: `sha256:${'1'.repeat(64)}` };
    const item = (reference: string, state: string, reason: string | null = null) => ({ id: 'u', reference, ...digests, state, reason });
    let items = [item('a:v1', 'restored')];
    const api = await serve((_url, _authorization, body) => {
      bodies.push(body);
      return { status: 200, body: JSON.stringify({ items }) };
    });
    const folder = await workFolder(`${CONFIG}\ncontrol: { url: "${api.url}", token: t0ken-t0ken }\n`);
    const done = await twinport(['undo', '--site', 'eu', 'a:v1', '--to', digests.to], folder);
    expect([done.code, done.stdout]).toEqual([0, 'a:v1: sha256:222222222222 → sha256:111111111111: done\n']);
    expect(done.stderr).toMatch(/"twinport moves approve".*--site eu/);
    items = [item('a:v1', 'restored'), item('b:v2', 'failed', 'its content is gone'), item('c:v3', 'asked')];
    const mixed = await twinport(['undo', '--site', 'eu', 'a:v1', 'b:v2', 'c:v3'], folder);
    expect(mixed.code).toBe(1);
    expect(mixed.stdout).toMatch(/b:v2: .*: not done: its content is gone\nc:v3: .*: asked for and not done yet/);
    expect(bodies).toEqual([
      JSON.stringify({ references: ['a:v1'], to: digests.to }),
      JSON.stringify({ references: ['a:v1', 'b:v2', 'c:v3'] }),
    ]);
    api.server.close();
  });
});

describe('config check', () => {
  it('says what was read, without secrets', async () => {
    const { code, json, stdout, stderr } = await twinport(['config', 'check', '--json'], await workFolder(CONFIG));
    expect(code).toBe(0);
    expect(json).toMatchObject({
      ok: true,
      temporal: 'embedded',
      ledger: 'embedded',
      sites: [{ name: 'eu', url: 'http://127.0.0.1:5001', auth: 'basic' }],
      events: { harbor: expect.any(String), gar: expect.stringContaining('not taken') },
    });
    expect(stdout + stderr).not.toContain('s3cret');
  });

  it.each([
    ['odd: 1', 'odd'],
    ['webhook: { listen: 7 }', 'webhook.listen'],
    ['webhook: { secrets: { gar: s3cret } }', 'webhook.secrets.gar'],
    ['control: { token: "${TWINPORT_TEST_UNSET}" }', 'control.token'],
  ])('says the mistake in %s with its path: 2', async (mistake, path) => {
    const { code, stdout, stderr } = await twinport(['config', 'check'], await workFolder(`${CONFIG}\n${mistake}\n`));
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(`${path}: `);
    expect(stderr).not.toContain('s3cret');
  });
});

describe('token', () => {
  it('mints what the primary’s key signs', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const folder = await workFolder(`
primary: { url: "http://127.0.0.1:9", auth: { type: token-key, keyFile: key.pem, issuer: the-issuer, service: the-service } }
secondaries: [{ name: eu, url: "http://127.0.0.1:5001", auth: { type: none } }]
`);
    await writeFile(join(folder, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const { code, json } = await twinport(['token', '--repository', 'team/app', '--json', '--ttl', '120'], folder);
    expect(code).toBe(0);
    const { payload, protectedHeader } = await jwtVerify(String(json['token']), publicKey, {
      issuer: 'the-issuer',
      audience: 'the-service',
    });
    expect(payload['access']).toEqual([{ type: 'repository', name: 'team/app', actions: ['pull'] }]);
    expect(protectedHeader.kid).toMatch(/^(?:[A-Z2-7]{4}:){11}[A-Z2-7]{4}$/);
    expect(json['expiresAt']).toBe(new Date((payload.exp ?? 0) * 1000).toISOString());
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120);
    const plain = await twinport(['token', '--repository', 'team/app'], folder);
    expect(plain.stdout.trim().split('.')).toHaveLength(3);
  });

  it('needs such a key: 2', async () => {
    expect(await twinport(['token', '--repository', 'a'], await workFolder(CONFIG))).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('token-key'),
    });
  });
});

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly location?: string;
}

async function serve(
  answer: (url: string, authorization: string | undefined, body: string) => Answer,
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    void text(request).then((asked) => {
      const { status, body, location } = answer(request.url ?? '', request.headers.authorization, asked);
      response.writeHead(status, { 'content-type': 'application/json', ...(location === undefined ? {} : { location }) }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
