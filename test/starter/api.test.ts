import { beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { judgePrimary, markVerification, recordUndo } from '../../src/ledger/index.ts';
import { backfillSiteId, CONTROL_QUEUE, pauseSiteId, syncImageId, syncRepositoryId, WORKFLOWS } from '../../src/model/names.ts';
import type { Notice } from '../../src/model/steps.ts';
import type { UndoOrder } from '../../src/model/undo-order.ts';
import { digest, policyOf, synced } from '../ledger/support.ts';
import { signalsTo, TOKEN, until, useStarter } from './support.ts';

const world = useStarter(['eu', 'us']);
const bearer = { authorization: `Bearer ${TOKEN}` };

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

/** With whatever Host: fetch would not let us. */
function ask(method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(`${world.url}${path}`, { method, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
    });
    sent.on('error', reject).end(body);
  });
}
const post = (path: string, body: unknown, headers: Record<string, string> = bearer) =>
  ask('POST', `/api/v1${path}`, { 'content-type': 'application/json', ...headers }, JSON.stringify(body));
const json = (answer: Answer): unknown => JSON.parse(answer.text);

beforeAll(async () => {
  await markVerification(
    world.ledger,
    {
      policy: policyOf('eu'),
      repository: 'team/app',
      outcomes: [
        synced('v1', 1, 100),
        synced('v2', 2, 100),
        {
          ...{ tag: 'bad', digest: digest(3), sync: 'failed', verification: 'pending', look: 100 },
          failure: { code: 'DENIED', message: '<script>alert("no")</script> & more', retry: 'never' },
        },
      ],
    },
    101,
  );
});

describe('who may read', () => {
  const paths = [
    '/',
    '/metrics',
    '/api/v1/sites',
    '/api/v1/sites/eu',
    '/api/v1/sites/eu/images',
    '/api/v1/sites/eu/images/team/app:v1',
    '/api/v1/sites/eu/deletions',
    '/api/v1/sites/eu/moves',
  ];
  it.each(paths)('%s: anybody on this machine, by a name of this machine; else with the token', async (path) => {
    expect((await ask('GET', path)).status).toBe(200);
    expect((await ask('GET', path, { host: 'localhost:1234' })).status).toBe(200);
    expect((await ask('GET', path, { host: '[::1]:1234' })).status).toBe(200);
    // A page elsewhere that made its own name resolve to us.
    expect((await ask('GET', path, { host: 'evil.example.com' })).status).toBe(401);
    expect((await ask('GET', path, { host: '127.0.0.1.evil.example.com' })).status).toBe(401);
    // A proxy on this machine that speaks for somebody else.
    expect((await ask('GET', path, { 'x-forwarded-for': '192.0.2.1' })).status).toBe(401);
    expect((await ask('GET', path, { host: 'evil.example.com', ...bearer })).status).toBe(200);
    expect((await ask('GET', path, { host: 'evil.example.com', authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask('GET', path, { host: 'evil.example.com', authorization: TOKEN })).status).toBe(401);
  });

  it('a starter that others reach asks everybody', async () => {
    const open = await world.another({ listen: '0.0.0.0:0' });
    expect((await fetch(`${open.url}/api/v1/sites`)).status).toBe(401);
    expect((await fetch(`${open.url}/api/v1/sites`, { headers: bearer })).status).toBe(200);
    expect((await fetch(`${open.url}/healthz`)).status).toBe(200);
    const page = await fetch(`${open.url}/`);
    expect(page.status).toBe(401);
    expect(await page.text()).toContain('type="password"');
  });

  it('a page’s session reads, and cannot act', async () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded', host: 'twinport.example.com' };
    const refused = await ask('POST', '/login', form, 'token=wrong');
    expect(refused.status).toBe(401);
    expect(refused.headers['set-cookie']).toBeUndefined();
    const signedIn = await ask('POST', '/login', form, `token=${TOKEN}`);
    expect(signedIn.status).toBe(303);
    const [cookie = ''] = signedIn.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict/);
    const session = { host: 'twinport.example.com', cookie: cookie.split(';')[0] ?? '' };
    expect((await ask('GET', '/', session)).status).toBe(200);
    expect((await ask('GET', '/api/v1/sites', session)).status).toBe(200);
    expect((await post('/sites/eu/retry', { failed: true }, session)).status).toBe(401);
    const later = session.cookie.replace(/=(\d+)/, (_, at: string) => `=${Number(at) + 9_999}`);
    expect((await ask('GET', '/', { ...session, cookie: later })).status).toBe(401);
  });
});

describe('who may act', () => {
  it.each([
    'backfill/start',
    'backfill/pause',
    'backfill/resume',
    'backfill/cancel',
    'retry',
    'cancel',
    'deletions/approve',
    'deletions/reject',
    'moves/approve',
    'moves/reject',
    'primary/approve',
    'primary/reject',
    'undo',
  ])('%s: whoever has the token, from wherever', async (action) => {
    for (const headers of [{}, { authorization: TOKEN }, { authorization: 'Bearer ' }, { authorization: `Bearer ${TOKEN}x` }] as Record<
      string,
      string
    >[]) {
      const answer = await post(`/sites/eu/${action}`, {}, headers);
      expect(answer.status).toBe(401);
      expect(json(answer)).toEqual({ error: { code: 'UNAUTHORIZED', message: expect.stringContaining('Bearer') } });
    }
  });
});

describe('what is wrong is said', () => {
  it.each<[string, string, unknown, number, object]>([
    ['GET', '/sites/mars', undefined, 404, { code: 'NOT_FOUND', path: 'site' }],
    ['GET', '/sites/eu/images?state=odd', undefined, 400, { code: 'INVALID', path: 'state' }],
    ['GET', '/sites/eu/images?limit=0', undefined, 400, { code: 'INVALID', path: 'limit' }],
    ['GET', '/sites/eu/images?odd=1', undefined, 400, { code: 'INVALID' }],
    ['GET', '/sites/eu/images?cursor=odd', undefined, 400, { code: 'INVALID' }],
    ['GET', '/sites/eu/images/team/app', undefined, 400, { code: 'INVALID', path: 'reference' }],
    ['GET', '/sites/eu/images/team/app:nowhere', undefined, 404, { code: 'NOT_FOUND' }],
    ['GET', '/sites/eu/backfill', undefined, 404, { code: 'NOT_FOUND' }],
    ['GET', '/nothing', undefined, 404, { code: 'NOT_FOUND' }],
    ['POST', '/sites/eu/retry', {}, 400, { code: 'INVALID' }],
    ['POST', '/sites/eu/retry', { references: [] }, 400, { code: 'INVALID' }],
    ['POST', '/sites/eu/cancel', { references: ['team/app', 'NO:x'] }, 400, { code: 'INVALID', path: 'references.1' }],
    ['POST', '/sites/eu/cancel', { references: ['twinport/doctor'] }, 400, { code: 'INVALID', path: 'references.0' }],
    ['POST', '/sites/eu/backfill/start', { verify: 'odd' }, 400, { code: 'INVALID', path: 'verify' }],
    ['POST', '/sites/us/backfill/pause', {}, 409, { code: 'CONFLICT' }],
    ['POST', '/sites/us/resume', {}, 409, { code: 'CONFLICT' }],
    ['POST', '/sites/odd/pause', {}, 404, { code: 'NOT_FOUND' }],
    ['POST', '/sites/eu/deletions/approve', { ids: ['nobody'] }, 404, { code: 'NOT_FOUND' }],
    ['POST', '/sites/eu/moves/reject', { ids: ['nobody'] }, 404, { code: 'NOT_FOUND' }],
    ['POST', '/sites/eu/primary/approve', {}, 404, { code: 'NOT_FOUND' }],
    ['POST', '/sites/eu/undo', { references: ['team/app'] }, 400, { code: 'INVALID', path: 'references.0' }],
    ['POST', '/sites/eu/undo', { references: ['team/app:v1', 'team/app:v2'], to: digest(9) }, 400, { code: 'INVALID', path: 'to' }],
    ['POST', '/sites/eu/undo', { references: ['team/app:v1'], to: 'sha256:odd' }, 400, { code: 'INVALID', path: 'to' }],
    ['POST', '/sites/eu/undo', { references: ['twinport/app:v1'] }, 400, { code: 'INVALID', path: 'references.0' }],
    ['POST', '/sites/eu/undo', { references: ['team/app:v1'] }, 404, { code: 'NOT_FOUND' }],
  ])('%s %s %j: %i', async (method, path, body, status, error) => {
    const answer = method === 'GET' ? await ask('GET', `/api/v1${path}`) : await post(path, body);
    expect(json(answer)).toEqual({ error: expect.objectContaining({ ...error, message: expect.any(String) }) });
    expect(answer.status).toBe(status);
  });

  it('also of a body that is not JSON', async () => {
    const answer = await ask('POST', '/api/v1/sites/eu/retry', { 'content-type': 'application/json', ...bearer }, '{');
    expect([answer.status, json(answer)]).toEqual([400, { error: { code: 'INVALID', message: expect.any(String) } }]);
  });
});

describe('what is asked', () => {
  it('is how far the sites are', async () => {
    const { items, next } = json(await ask('GET', '/api/v1/sites')) as { items: object[]; next: null };
    expect(next).toBeNull();
    expect(items).toEqual([
      expect.objectContaining({
        name: 'eu',
        ready: false,
        total: 3,
        synced: 2,
        verified: 2,
        failed: 1,
        pending: 0,
        recoveryPoint: null,
        workers: 0,
        paused: false,
      }),
      expect.objectContaining({ name: 'us', ready: false, total: 0 }),
    ]);
    expect(json(await ask('GET', '/api/v1/sites/eu'))).toEqual(items[0]);
  });

  it('is pages of images', async () => {
    const first = json(await ask('GET', '/api/v1/sites/eu/images?limit=2')) as { items: { tag: string }[]; next: string };
    expect(first.items.map(({ tag }) => tag)).toEqual(['bad', 'v1']);
    const second = json(await ask('GET', `/api/v1/sites/eu/images?limit=2&cursor=${encodeURIComponent(first.next)}`));
    expect(second).toEqual({
      items: [expect.objectContaining({ reference: 'team/app:v2', sync: 'synced', verification: 'succeeded' })],
      next: null,
    });
    const failed = json(await ask('GET', '/api/v1/sites/eu/images?state=failed')) as { items: object[] };
    expect(failed.items).toEqual([expect.objectContaining({ tag: 'bad', reason: expect.stringContaining('script') })]);
    expect(json(await ask('GET', '/api/v1/sites/eu/images/team%2Fapp:v1'))).toMatchObject({ reference: 'team/app:v1', digest: digest(1) });
  });

  it('starts, joins, pauses and cancels a backfill', async () => {
    const started = json(await post('/sites/eu/backfill/start', {})) as { joined: boolean; runId: string };
    expect(started.joined).toBe(false);
    expect(json(await post('/sites/eu/backfill/start', { verify: 'deep', once: true }))).toEqual({ ...started, joined: true });
    expect(json(await ask('GET', '/api/v1/sites/eu/backfill'))).toEqual({ runId: started.runId, status: 'RUNNING' });
    expect((await post('/sites/eu/backfill/pause', {})).status).toBe(202);
    expect((await post('/sites/eu/backfill/cancel', {})).status).toBe(202);
    const { events } = await world.client.workflow.getHandle('backfill/eu').fetchHistory();
    const names = (events ?? []).map(
      (event) =>
        event.workflowExecutionSignaledEventAttributes?.signalName ??
        (event.workflowExecutionCancelRequestedEventAttributes ? 'cancel' : ''),
    );
    // The second start: another scan is to follow.
    expect(names.filter(Boolean)).toEqual(['again', 'pause', 'cancel']);
  });

  it('has a scan that runs followed by another once a regressed primary may be followed: it may have passed what was held', async () => {
    await judgePrimary(world.ledger, { policy: policyOf('us'), repository: 'team/app', sampled: 20, missing: 20 });
    expect((await post('/sites/us/backfill/start', {})).status).toBe(202);
    expect(json(await post('/sites/us/primary/approve', {}))).toEqual({ site: 'us', primary: 'approved' });
    expect(await signalsTo(world.client, backfillSiteId('us'))).toMatchObject([{ policy: { site: 'us' }, verify: 'auto', once: false }]);
    await post('/sites/us/backfill/cancel', {});
  });

  it('retries and cancels images, and writes down that it did', async () => {
    expect(json(await post('/sites/eu/retry', { failed: true }))).toEqual({ count: 1 });
    expect(json(await post('/sites/eu/retry', { references: ['team/app:v2', 'team/other'] }))).toEqual({ count: 2 });
    for (const id of [syncImageId('eu', 'team/app', 'bad'), syncImageId('eu', 'team/app', 'v2'), syncRepositoryId('eu', 'team/other')]) {
      expect((await world.client.workflow.getHandle(id).describe()).status.name).toBe('RUNNING');
    }
    expect(json(await post('/sites/eu/cancel', { references: ['team/app:v2', 'team/app:v1', 'team/other'] }))).toEqual({
      items: [
        { reference: 'team/app:v2', result: 'cancelled' },
        { reference: 'team/app:v1', result: 'not-running' },
        { reference: 'team/other', result: 'cancelled' },
      ],
    });
    const rows = await until(async () =>
      world.ledger.db.selectFrom('audit').select(['action', 'site']).where('action', 'in', ['retry', 'cancel']).execute(),
    );
    expect(rows.map(({ action }) => action)).toEqual(['retry', 'retry', 'cancel']);
  });
});

describe('an undo', () => {
  const asked = async (tag: string): Promise<UndoOrder> =>
    until(
      async () =>
        ((await signalsTo(world.client, syncRepositoryId('us', 'team/undo'))) as Notice[]).find(({ undo }) => undo?.tag === tag)?.undo,
    );
  const moved = async (tag: string): Promise<void> => {
    for (const [n, at] of [
      [1, 100],
      [2, 200],
    ] as const) {
      const outcomes = [synced(tag, n, at, n === 2 ? { previous: digest(1) } : {})];
      await markVerification(world.ledger, { policy: policyOf('us'), repository: 'team/undo', outcomes }, at + 1);
    }
  };

  it('is asked of the repository’s workflow, and waited for', async () => {
    await moved('latest');
    const answered = post('/sites/us/undo', { references: ['team/undo:latest'] });
    const order = await asked('latest');
    expect(order).toMatchObject({ tag: 'latest', digest: digest(1), replaces: digest(2) });
    const record = { policy: policyOf('us'), repository: 'team/undo', order };
    await recordUndo(world.ledger, { ...record, restored: { look: 300, previous: digest(2) } }, 301);
    const answer = await answered;
    expect([answer.status, json(answer)]).toEqual([
      200,
      {
        items: [
          { id: order.id, reference: 'team/undo:latest', from: digest(2), to: digest(1), state: 'restored', reason: expect.any(String) },
        ],
      },
    ]);
    expect(json(await ask('GET', '/api/v1/sites/us/moves'))).toMatchObject({ items: [{ id: order.id, state: 'held', expiresAt: null }] });
  });

  it('that could not be done says why', async () => {
    await moved('lost');
    const answered = post('/sites/us/undo', { references: ['team/undo:lost'] });
    const order = await asked('lost');
    const record = { policy: policyOf('us'), repository: 'team/undo', order };
    await recordUndo(world.ledger, { ...record, reason: 'its content is gone' }, 301);
    const answer = await answered;
    expect([answer.status, json(answer)]).toMatchObject([200, { items: [{ state: 'failed', reason: 'its content is gone' }] }]);
  });
});

describe('the page', () => {
  it('shows the sites, escapes what others wrote, and runs nothing but its own', async () => {
    const { text, headers } = await ask('GET', '/');
    expect(text).toContain('<h2>eu</h2>');
    expect(text).toMatch(/<dt>Verified<\/dt>\s*<dd class="">2<\/dd>/);
    expect(text).toContain('&lt;script&gt;alert(&quot;no&quot;)&lt;/script&gt; &amp; more');
    expect(text.replace(/<script type="module" src="\/assets\/app-[0-9a-f]{16}\.js"><\/script>/, '')).not.toMatch(/<script/i);
    expect(text).toContain('href="http://127.0.0.1:8233"');
    const query = encodeURIComponent('WorkflowId = "sync/eu/team/app:bad" OR WorkflowId = "sync-repository/eu/team/app"');
    expect(text).toContain(`href="http://127.0.0.1:8233/namespaces/default/workflows?query=${query}"`);
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    );
    expect(text).toMatch(/<noscript><meta http-equiv="refresh" content="5" \/><\/noscript>/);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('is the same at the address of every view', async () => {
    for (const path of ['/sites/eu', '/sites/eu/images/team/app:v1', '/deletions', '/activity', '/setup'])
      expect((await ask('GET', path)).text).toContain('<h2>eu</h2>');
    expect((await ask('GET', '/sites/eu', { host: 'evil.example.com' })).status).toBe(401);
  });

  it('loads what may be kept for ever, also by who has yet to sign in', async () => {
    const { text } = await ask('GET', '/');
    const paths = text.match(/\/assets\/[\w.-]+/g) ?? [];
    expect(paths.map((path) => path.replace(/-[0-9a-f]{16}/, ''))).toEqual(['/assets/app.css', '/assets/icon.svg', '/assets/app.js']);
    for (const path of paths) {
      const { status, headers } = await ask('GET', path, { host: 'evil.example.com' });
      expect({ status, kept: headers['cache-control'] }).toEqual({ status: 200, kept: 'public, max-age=31536000, immutable' });
      expect(headers['x-content-type-options']).toBe('nosniff');
    }
    expect((await ask('GET', '/assets/app.js')).status).toBe(404);
  });

  it('has the same counts for machines', async () => {
    const { text } = await ask('GET', '/metrics');
    expect(text).toMatch(/twinport_images\{site="eu",state="verified"\} 2/);
    expect(text).toMatch(/twinport_site_ready\{site="eu"\} 0/);
    expect(text).toContain('twinport_site_paused{site="eu"} 0');
    expect(text).toContain('twinport_held_moves{site="eu"} 0');
    expect(text).toContain('twinport_primary_regressed{site="eu"} 0');
    expect(text).toMatch(/twinport_backfill_repositories\{site="eu",state="total"\} \d/);
    expect(text).toMatch(/twinport_oldest_verification_seconds\{site="eu"\} \d/);
  });

  it('has them under Geo’s names too', async () => {
    const { text } = await ask('GET', '/metrics');
    const values = [...text.matchAll(/^geo_container_repositories(\w*)\{name="eu",url="[^"]*"\} (\d+)$/gm)].map(([, name, value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(values)).toEqual({
      '': 3,
      _registry: 3,
      _synced: 2,
      _failed: 1,
      _checksum_total: 3,
      _checksummed: 3,
      _verification_total: 2,
      _verified: 2,
      _verification_failed: 0,
      _replication_enabled: 1,
    });
  });
});

describe('the audit', () => {
  it('says who did what, the latest first, of one site or of all, page by page', async () => {
    await post('/sites/eu/retry', { references: ['team/app:bad'] });
    await post('/sites/us/cancel', { references: ['team/app:v1'] });
    const all = json(await ask('GET', '/api/v1/audit?limit=2')) as { items: object[]; next: string };
    expect(all.items).toMatchObject([
      {
        actor: 'api',
        action: 'cancel',
        site: 'us',
        detail: { references: ['team/app:v1'] },
        at: expect.stringMatching(/^\d{4}-.*Z$/) as unknown,
      },
      { actor: 'api', action: 'retry', site: 'eu', detail: { references: ['team/app:bad'] } },
    ]);
    const one = json(await ask('GET', '/api/v1/audit?limit=1')) as { next: string };
    const next = json(await ask('GET', `/api/v1/audit?limit=1&cursor=${one.next}`)) as { items: object[] };
    expect(next.items).toEqual(all.items.slice(1));
    const ofEu = json(await ask('GET', '/api/v1/audit?site=eu')) as { items: { site: string }[] };
    expect(new Set(ofEu.items.map(({ site }) => site))).toEqual(new Set(['eu']));
    expect((await ask('GET', '/api/v1/audit?site=odd')).status).toBe(404);
    expect((await ask('GET', '/api/v1/audit?cursor=odd')).status).toBe(400);
  });
});

describe('a pause', () => {
  it('is begun once, shown, and ended', async () => {
    expect((await post('/sites/us/pause', {}, {})).status).toBe(401);
    for (let twice = 0; twice < 2; twice++) expect((await post('/sites/us/pause', {})).status).toBe(202);
    expect(json(await ask('GET', '/api/v1/sites/us'))).toMatchObject({ paused: true, ready: false });
    expect((await ask('GET', '/metrics')).text).toContain('twinport_site_paused{site="us"} 1');
    const handle = world.client.workflow.getHandle(pauseSiteId('us'));
    expect((await handle.describe()).status.name).toBe('RUNNING');
    const resuming = post('/sites/us/resume', {});
    // No worker of the control side is here, to which the signal would be the end.
    const signalled = async () => (await handle.fetchHistory()).events?.some((event) => event.workflowExecutionSignaledEventAttributes);
    await until(async () => (await signalled()) || undefined);
    await handle.terminate();
    expect((await resuming).status).toBe(202);
    await until(async () => !(json(await ask('GET', '/api/v1/sites/us')) as { paused: boolean }).paused || undefined);
  });

  it('that was begun or ended in Temporal is shown too', async () => {
    const shown = (wanted: boolean) =>
      until(async () => (json(await ask('GET', '/api/v1/sites/us')) as { paused: boolean }).paused === wanted || undefined);
    const handle = world.client.workflow.getHandle(pauseSiteId('us'));
    await shown(false);
    await world.client.workflow.start(WORKFLOWS.pauseSite, { workflowId: pauseSiteId('us'), taskQueue: CONTROL_QUEUE });
    await shown(true);
    await handle.terminate();
    await shown(false);
  });
});

describe('waivers', () => {
  it('are given by name with a reason, listed, and taken back', async () => {
    const references = ['team/app:bad'];
    expect((await post('/sites/eu/waive', { references })).status).toBe(400);
    expect((await post('/sites/eu/waive', { references: ['team/app'], reason: 'x' })).status).toBe(400);
    expect((await post('/sites/eu/waive', { references, reason: 'x' }, {})).status).toBe(401);
    expect((await post('/sites/eu/waive', { references: ['team/app:v1'], reason: 'x' })).status).toBe(409);
    const given = await post('/sites/eu/waive', { references, reason: 'layers are lost' });
    expect([given.status, json(given)]).toEqual([200, { count: 1 }]);
    expect(json(await ask('GET', '/api/v1/sites/eu/waivers'))).toMatchObject({
      items: [{ reference: 'team/app:bad', reason: 'layers are lost', by: 'api', inEffect: true }],
      next: null,
    });
    expect(json(await ask('GET', '/api/v1/sites/eu'))).toMatchObject({ waived: 1, failed: 1, ready: false });
    expect(json(await ask('GET', '/api/v1/sites/eu/images?state=waived'))).toMatchObject({ items: [{ tag: 'bad', waived: true }] });
    expect((await ask('GET', '/metrics')).text).toContain('twinport_images{site="eu",state="waived"} 1');
    expect((await ask('GET', '/')).text).toContain('(1 waived)');
    expect(json(await post('/sites/eu/unwaive', { references }))).toEqual({ count: 1 });
    expect((await post('/sites/eu/unwaive', { references })).status).toBe(404);
  });
});
