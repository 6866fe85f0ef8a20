import { beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { TOKEN, useStarter } from './support.ts';

const world = useStarter(['eu']);
const HOST = 'twinport.example.com:8443';
let session: Record<string, string>;

interface Answer {
  readonly status: number;
  readonly cookie: string;
  readonly body: { error?: { message: string }; items?: { actor: string; action: string }[] };
}

/** With whatever headers: fetch forbids some. */
function ask(method: string, path: string, headers: Record<string, string>, body?: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const type = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(`${world.url}${path}`, { method, headers: { ...type, ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      const [cookie = ''] = answer.headers['set-cookie'] ?? [];
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, cookie, body: text === '' ? {} : (JSON.parse(text) as Answer['body']) }),
      );
    });
    sent.on('error', reject).end(body && JSON.stringify(body));
  });
}
/** Waiving an image that there is not: 404 for whoever may act. */
const act = async (headers: Record<string, string>): Promise<number> =>
  (await ask('POST', '/api/v1/sites/eu/waive', headers, { references: ['none:v1'], reason: 'a test' })).status;
const without = (name: string): Record<string, string> => Object.fromEntries(Object.entries(session).filter(([key]) => key !== name));

beforeAll(async () => {
  const { status, cookie } = await ask('POST', '/login', { host: HOST }, { token: TOKEN });
  expect(status).toBe(204);
  session = {
    ...{ host: HOST, cookie: cookie.split(';')[0] ?? '', origin: `https://${HOST}` },
    ...{ 'x-twinport-action': '1', 'sec-fetch-site': 'same-origin' },
  };
});

describe('acting from the page', () => {
  it('needs its session', async () => {
    expect(await act(session)).toBe(404);
    expect(await act(without('cookie'))).toBe(401);
    expect(await act({ ...session, cookie: `${session['cookie']}0` })).toBe(401);
  });

  it('needs the header that no form sends', async () => {
    expect(await act(without('x-twinport-action'))).toBe(401);
    expect(await act({ ...session, 'x-twinport-action': '0' })).toBe(401);
  });

  it.each(['https://evil.example.com', 'https://twinport.example.com', 'https://twinport.example.com:8444', 'null'])(
    'is not for a page of %s',
    async (origin) => expect(await act({ ...without('sec-fetch-site'), origin })).toBe(401),
  );

  it('is also for a browser that reaches us by another name than the proxy in between calls us', async () => {
    expect(await act({ ...session, origin: 'https://twinport.example.org' })).toBe(404);
  });

  it.each(['same-site', 'cross-site', 'none'])('is not for a request that the browser calls %s', async (from) => {
    expect(await act({ ...session, 'sec-fetch-site': from })).toBe(401);
  });

  it('is also for browsers that send neither', async () => {
    const { cookie = '' } = session;
    expect(await act({ host: HOST, cookie, 'x-twinport-action': '1' })).toBe(404);
  });

  it('no other origin is told that it may send the header', async () => {
    const asking = { host: HOST, origin: 'https://evil.example.com', 'access-control-request-method': 'POST' };
    const { status } = await ask('OPTIONS', '/api/v1/sites/eu/retry', { ...asking, 'access-control-request-headers': 'x-twinport-action' });
    expect(status).toBe(404);
  });

  it('stands in the audit as the page’s, what came with the token as the API’s', async () => {
    const pause = (headers: Record<string, string>): Promise<Answer> => ask('POST', '/api/v1/sites/eu/pause', headers);
    expect((await pause(session)).status).toBe(202);
    expect((await pause({ host: HOST, authorization: `Bearer ${TOKEN}` })).status).toBe(202);
    const { body } = await ask('GET', '/api/v1/audit?limit=2', session);
    expect(body.items).toMatchObject([
      { actor: 'api', action: 'pause' },
      { actor: 'page', action: 'pause' },
    ]);
  });
});

describe('signing in by script', () => {
  it('refuses what is not the token, slowly, and gives no session', async () => {
    const began = performance.now();
    const refused = await ask('POST', '/login', { host: HOST }, { token: 'wrong' });
    expect(refused).toMatchObject({ status: 401, cookie: '', body: { error: { message: expect.stringContaining('not the token') } } });
    expect(performance.now() - began).toBeGreaterThan(400);
    expect((await ask('POST', '/login', { host: HOST }, { token: 1 })).status).toBe(401);
  });
});
