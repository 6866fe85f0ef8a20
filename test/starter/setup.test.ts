import { expect, it } from '@jest/globals';
import { policyOf } from '../ledger/support.ts';
import { eventually } from '../support/eventually.ts';
import { SECRET, TOKEN, useStarter } from './support.ts';

const world = useStarter(['eu']);

interface Setup {
  readonly checks: readonly { readonly name: string; readonly ok: boolean | null; readonly remedy: string | null }[];
  readonly notifications: { readonly kind: string; readonly text: string } | null;
}

const primary = { name: 'us', url: 'http://127.0.0.1:5000', kind: 'distribution' } as const;

async function setupOf(url: string, headers: Record<string, string> = {}): Promise<Setup> {
  return (await (await fetch(`${url}/api/v1/setup`, { headers })).json()) as Setup;
}

it('says what works, what does not, and what this process cannot tell', async () => {
  // What was seen is told for some seconds; on a slow machine a probe may have taken too long.
  const { checks } = await eventually(
    () => setupOf(world.url),
    (setup) => setup.checks.every(({ name, ok }) => ok === true || !['Temporal', 'ledger'].includes(name)),
    30_000,
    1_000,
  );
  const of = (name: string) => checks.find((check) => check.name === name);
  expect(of('Temporal')).toMatchObject({ ok: true, remedy: null });
  expect(of('ledger')).toMatchObject({ ok: true, remedy: null });
  expect(of('workers of eu')).toMatchObject({ ok: false, remedy: 'start "twinport worker --site eu"' });
  expect(of('events')).toMatchObject({ ok: null });
  expect(of('registries')).toMatchObject({ ok: null, remedy: 'run "twinport doctor" beside the worker' });
});

it('shows a made secret to whoever may act alone, and a configured one to nobody', async () => {
  const sites = [{ name: 'eu', policy: policyOf('eu'), primary }];
  const made = await world.another({ sites });
  expect((await setupOf(made.url)).notifications).toMatchObject({ kind: 'distribution', text: expect.not.stringContaining(SECRET) });
  const shown = (await setupOf(made.url, { authorization: `Bearer ${TOKEN}` })).notifications;
  expect(shown?.text).toContain(`headers: { Authorization: [${SECRET}] }`);
  expect(shown?.text).toContain(`${made.url}/events/distribution`);
  const webhook = { listen: '127.0.0.1:0', secret: SECRET, secrets: {} };
  const retention = { inboxMs: 86_400_000, auditMs: 86_400_000, historyMs: 86_400_000 };
  const control = { url: 'https://twinport.example.com' };
  const configured = await world.another({ sites, config: { webhook, retention, control } });
  const text = (await setupOf(configured.url, { authorization: `Bearer ${TOKEN}` })).notifications?.text;
  expect(text).toContain('<webhook.secret>');
  expect(text).not.toContain(SECRET);
  // Behind a proxy that ends TLS a request does not tell where this starter is found.
  expect(text).toContain('https://twinport.example.com/events/distribution');
});
