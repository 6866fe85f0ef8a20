import { beforeAll, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Page } from 'playwright-core';
import { describeWith } from '../support/clients.ts';
import { deleteManifest, pushImage, pushReferrer } from '../support/images.ts';
import { eventually } from '../support/eventually.ts';
import { screenshot, SLOW_MS, TOKEN, useWorld } from './world.ts';

const HOSTILE = '<script>window.hacked = 1</script><img src=x onerror="window.hacked = 2">';
const DENIED = {
  method: 'PUT',
  path: /broken\/app\/manifests/,
  answer: { status: 403, body: JSON.stringify({ errors: [{ code: 'DENIED', message: HOSTILE }] }) },
};

interface AxeResults {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
}

describeWith(['chromium'], 'the dashboard, in a browser', () => {
  const world = useWorld();

  /** Two sites with 18 images, of which one is the index of a referrer under its fallback tag; at eu one that fails, and four that the primary has deleted since. */
  beforeAll(async () => {
    const { primary, targets, api } = world;
    targets.eu.rules.push(DENIED);
    const team = await Promise.all(
      Array.from({ length: 12 }, (_, n) => pushImage(primary.url, 'team/api', `v1.${n}`, { layers: [40_000 + n] })),
    );
    const web = await pushImage(primary.url, 'team/web', 'latest', { layers: [200_000] });
    await pushReferrer(primary.url, 'team/web', web, { artifactType: `application/vnd.${HOSTILE}` });
    await Promise.all(Array.from({ length: 3 }, (_, n) => pushImage(primary.url, `svc/app${n}`, 'v1')));
    await pushImage(primary.url, 'broken/app', 'v1');
    await Promise.all([api.eu.scanned(), api.ap.scanned()]);
    for (const { digest } of team.slice(0, 4)) await deleteManifest(primary.url, 'team/api', digest);
    await eventually(
      async () => {
        await api.eu.scanned();
        return api.eu.status();
      },
      ({ held }) => held === 4,
      240_000,
      1_000,
    );
  });

  const card = (page: Page, site: string) => page.locator(`[data-site="${site}"]`);
  const count = (page: Page, site: string, word: string) => card(page, site).locator(`[data-count="${word}"]`);
  /** Waits until text stands somewhere inside. */
  const says = (page: Page, text: string | RegExp) => page.locator('main').getByText(text).first().waitFor();

  it('says of each site whether it could take over, and the one reason', async () => {
    const page = await world.open('/');
    await page.getByRole('heading', { name: '1 of 2 sites could take over now' }).waitFor();
    await card(page, 'eu').getByText('Not ready: 1 image failed').waitFor();
    await card(page, 'ap').getByText('Ready to take over').waitFor();
    await screenshot(page, 'failed');
    expect(await count(page, 'eu', 'Failed').textContent()).toBe('1');
    expect(await card(page, 'eu').getByRole('img', { name: 'Synced: 13 of 14, 1 failed' }).count()).toBe(1);
  });

  it('finds images by name, state and repository, and says why one failed', async () => {
    const page = await world.open('/sites/eu');
    await page.getByRole('link', { name: 'team/web:latest' }).waitFor();
    await page.getByLabel('State').selectOption('failed');
    await page.getByRole('link', { name: 'team/web:latest' }).waitFor({ state: 'detached' });
    expect(await page.locator('tbody tr').count()).toBe(1);
    await says(page, /403 DENIED/);
    expect(page.url()).toContain('state=failed');
    await page.getByLabel('State').selectOption('');
    await page.getByLabel('Repository').fill('svc/app1');
    await eventually(
      () => page.locator('tbody tr').allInnerTexts(),
      (rows) => rows.length === 1 && rows[0]?.includes('svc/app1:v1') === true,
      SLOW_MS,
    );
    await screenshot(page, 'images');
  });

  it('shows names and reasons from registries as text, whatever they hold', async () => {
    for (const path of [
      '/sites/eu?state=failed',
      '/sites/eu/images/broken/app:v1',
      '/sites/eu/images/team/web:latest',
      `/sites/${encodeURIComponent(HOSTILE)}`,
    ]) {
      const page = await world.open(path);
      await page.locator('h1').waitFor();
      if (/broken|failed|web/.test(path)) await says(page, HOSTILE);
      expect(await page.evaluate('globalThis.hacked')).toBeUndefined();
      expect(await page.locator('main script, main img').count()).toBe(0);
    }
  });

  it('asks for the token once, retries what failed, and shows it verified without a reload', async () => {
    const page = await world.open('/sites/eu?state=failed');
    await page.evaluate('globalThis.same = true');
    world.targets.eu.rules.splice(0);
    await page.getByLabel('Choose broken/app:v1').check();
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Token').fill('not it');
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await dialog.getByText('that is not the token').waitFor();
    await dialog.getByLabel('Token').fill(TOKEN);
    await dialog.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('status').getByText('1 image is looked at again').waitFor();
    await card(page, 'eu').getByText('Ready to take over').waitFor();
    expect(await page.evaluate('globalThis.same')).toBe(true);
    expect((await world.api.eu.image('broken/app', 'v1'))?.verification).toBe('succeeded');
    // The session does for the next one.
    await page.getByLabel('State').selectOption('');
    await page.getByLabel('Choose svc/app0:v1').check();
    await page.getByRole('button', { name: 'Verify', exact: true }).click();
    await page.getByRole('status').getByText('read back from the site').waitFor();
    await page.getByRole('link', { name: 'Activity' }).click();
    await says(page, /^retry at eu by this page$/);
  });

  it('approves a held deletion once it was said what would happen', async () => {
    const page = await world.open('/deletions');
    await says(page, 'would delete 4 of 12 tags; 1 is allowed in 24 h');
    await screenshot(page, 'held');
    await page.getByLabel('Choose team/api:v1.0').check();
    await page.getByRole('button', { name: 'Approve: delete them' }).click();
    await page.getByRole('heading', { name: 'Delete team/api:v1.0 at eu?' }).waitFor();
    // Called off, nothing happens; the second time it does.
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    expect(await world.api.eu.status()).toMatchObject({ held: 4 });
    await page.getByRole('button', { name: 'Approve: delete them' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('status').getByText('eu: 1 deletion approved.').waitFor();
    await says(page, '3 deletions held');
    await eventually(
      () => world.api.eu.image('team/api', 'v1.0'),
      (image) => image?.sync !== 'synced',
      SLOW_MS,
      200,
    ).catch(() => undefined);
    const { tags } = (await (await fetch(`${world.targets.eu.url}/v2/team/api/tags/list`)).json()) as { tags: string[] };
    expect(tags).not.toContain('v1.0');
    expect(tags).toContain('v1.1');
  });

  it('shows numbers of a backfill as they change, without a reload', async () => {
    const { primary, targets } = world;
    targets.ap.rules.splice(0);
    // Of each run its own.
    const more = `more${Date.now()}`;
    await Promise.all(Array.from({ length: 24 }, (_, n) => pushImage(primary.url, `${more}/app${n}`, 'v1')));
    targets.ap.rules.push({ method: 'PUT', path: /more\d+\/app\d+\/manifests/, delayMs: 1_500 });
    const page = await world.open('/');
    await page.evaluate('globalThis.same = true');
    await card(page, 'ap').getByText('Ready to take over').waitFor();
    await card(page, 'ap').getByText('Control').click();
    await card(page, 'ap').getByRole('button', { name: 'Scan now' }).click();
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await card(page, 'ap')
      .getByText(/^Backfill runs/)
      .waitFor();
    const seen = new Set<string>();
    await eventually(
      async () => {
        const now = (await count(page, 'ap', 'Verified').textContent()) ?? '';
        if (seen.size === 2 && !seen.has(now)) await screenshot(page, 'status');
        // What the tests before this one did may still be settling: the total is asked for anew.
        const { total } = await world.api.ap.status();
        return seen.add(now).size > 2 && now === String(total);
      },
      (all) => all,
      2 * SLOW_MS,
    );
    await card(page, 'ap').getByText('Ready to take over').waitFor();
    expect(await page.evaluate('globalThis.same')).toBe(true);
    targets.ap.rules.splice(0);
  });

  /** Gives the token where it is asked for, which is once a page. */
  async function signIn(page: Page): Promise<void> {
    await page.getByLabel('Token').fill(TOKEN);
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click();
  }

  /** Presses what a dialog asks for. */
  const confirm = (page: Page, verb: string) => page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click();
  const said = (page: Page, text: string | RegExp) => page.getByRole('status').getByText(text).waitFor();

  it('pauses a site, which is then not ready, and lets it go on', async () => {
    const page = await world.open('/');
    await card(page, 'ap').getByText('Control').click();
    await card(page, 'ap').getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('heading', { name: 'Pause ap?' }).waitFor();
    await confirm(page, 'Pause');
    await signIn(page);
    await said(page, 'ap: Paused.');
    await card(page, 'ap').getByText('Not ready: paused').waitFor();
    expect(await world.api.ap.status()).toMatchObject({ paused: true });
    // What to do says so too: either button does it.
    await card(page, 'ap').getByRole('button', { name: 'Resume' }).first().click();
    await said(page, 'ap: Resumed.');
    await card(page, 'ap').getByText('Ready to take over').waitFor();
  });

  it('changes the limits of a running site, within their bounds, and sets them back', async () => {
    const page = await world.open('/');
    const limits = async () => (await (await fetch(`${world.url}/api/v1/sites/ap/limits`)).json()) as { changed: object | null };
    await card(page, 'ap').getByText('Control').click();
    await card(page, 'ap').getByRole('button', { name: 'Limits …' }).click();
    await page.getByLabel('Bytes a second').fill('10');
    await confirm(page, 'Change');
    // The browser itself says that this is too little: the dialog stays.
    expect(await page.locator('dialog input:invalid').count()).toBe(1);
    expect((await limits()).changed).toBeNull();
    await page.getByLabel('Bytes a second').fill('1048576');
    await confirm(page, 'Change');
    await signIn(page);
    await said(page, 'ap: the limits are changed.');
    expect((await limits()).changed).toEqual({ bytesPerSecond: 1_048_576 });
    await card(page, 'ap').getByRole('button', { name: 'Limits as configured' }).click();
    await said(page, 'ap: The limits are the configured ones again.');
    expect((await limits()).changed).toBeNull();
  });

  it('sets a tag back, and shows that it stays there until somebody decides', async () => {
    const { primary, api } = world;
    // Of each run its own.
    const repository = `undone${Date.now()}`;
    const before = await pushImage(primary.url, repository, 'v1', { layers: [{ seed: 'before', size: 1_000 }] });
    await api.ap.deliver(repository, 'v1', before.digest);
    await api.ap.verified(repository, 'v1', before.digest);
    const after = await pushImage(primary.url, repository, 'v1', { layers: [{ seed: 'after', size: 1_000 }] });
    await api.ap.deliver(repository, 'v1', after.digest);
    await api.ap.verified(repository, 'v1', after.digest);
    const page = await world.open(`/sites/ap/images/${repository}:v1`);
    await page.getByRole('button', { name: 'Undo' }).click();
    await page.getByRole('heading', { name: `Set ${repository}:v1 back?` }).waitFor();
    await confirm(page, 'Undo');
    await signIn(page);
    await said(page, `${repository}:v1: restored`);
    await says(page, 'Its move is held');
    await page.getByRole('link', { name: 'To what is held' }).click();
    await page.getByLabel(`Choose ${repository}:v1`).check();
    await page
      .getByRole('button', { name: /^Approve/ })
      .last()
      .click();
    await confirm(page, 'Approve');
    await said(page, 'ap: 1 move approved.');
    await api.ap.verified(repository, 'v1', after.digest);
  });

  it('leaves an image out of the recovery point, with the reason, and says so beside it', async () => {
    const { primary, targets, api } = world;
    const repository = `waived${Date.now()}`;
    const refused = { ...DENIED, path: /waived\d+\/manifests/ };
    targets.ap.rules.push(refused);
    const image = await pushImage(primary.url, repository, 'v1');
    await api.ap.deliver(repository, 'v1', image.digest);
    await api.ap.until(repository, 'v1', ({ sync }) => sync === 'failed');
    const page = await world.open(`/sites/ap/images/${repository}:v1`);
    await page.getByRole('button', { name: 'Waive' }).click();
    await page.getByLabel('Why').fill('its registry does not take it');
    await confirm(page, 'Waive');
    await signIn(page);
    await said(page, '1 image waived.');
    await says(page, 'Failed, waived');
    targets.ap.rules.splice(0);
    await page.getByRole('button', { name: 'Retry' }).click();
    await api.ap.verified(repository, 'v1', image.digest);
    await says(page, /^Verified$/);
  });

  it('asks once who is no longer signed in, and not again with each reading', async () => {
    const page = await world.open('/activity');
    let refused = 0;
    await page.route(/\/api\/v1\/.*\/images\/team/, (route) => {
      refused += 1;
      const error = { code: 'UNAUTHORIZED', message: 'reading needs the token' };
      return route.fulfill({ status: 401, contentType: 'application/json', body: JSON.stringify({ error }) });
    });
    await page.goto(`${world.url}/sites/eu/images/team/web:latest`);
    await page.getByRole('dialog').getByRole('button', { name: 'Not now' }).click();
    await page.getByRole('alert').getByText('reading needs the token').waitFor();
    const before = refused;
    await eventually(
      async () => refused,
      (now) => now > before + 1,
      SLOW_MS,
    );
    expect(await page.getByRole('dialog').count()).toBe(0);
    await page.unroute(/\/api\/v1\/.*\/images\/team/);
    await page.getByRole('alert').getByRole('button', { name: 'Sign in' }).click();
    await signIn(page);
    await says(page, 'read back');
  });

  it('can be used with the keyboard alone', async () => {
    const page = await world.open('/');
    await page.locator('[data-site="eu"]').waitFor();
    await page.keyboard.press('Tab');
    expect(await page.locator(':focus').textContent()).toContain('To the content');
    await page.getByRole('link', { name: 'Activity' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Activity' }).waitFor();
    await page.locator('h1:focus').waitFor();
    await page.goBack();
    await page.locator('[data-site="eu"]').waitFor();
  });

  it.each([
    ['light', false],
    ['dark', false],
    ['light', true],
    ['dark', true],
  ] as const)('has no flaw that axe knows of, %s, phone: %s', async (scheme, phone) => {
    const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
    const page = await world.open('/', { bypassCSP: true, scheme, phone });
    await page.locator('[data-site="eu"]').waitFor();
    for (const path of ['/', '/sites/eu', '/sites/eu/images/team/web:latest', '/deletions', '/activity', '/setup', '/nothing']) {
      await page.goto(world.url + (path === '/nothing' ? '/sites/' : path));
      await page.locator('#main h1').waitFor();
      await screenshot(page, `${path.replace(/\W+/g, '-').replace(/^-/, '') || 'sites'}-${scheme}${phone ? '-phone' : ''}`);
      await page.evaluate(axe);
      const { violations } = await page.evaluate<AxeResults>('axe.run()');
      const flaws = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      expect({ path, flaws }).toEqual({ path, flaws: [] });
      const tooWide = await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');
      expect({ path, tooWide }).toEqual({ path, tooWide: 0 });
    }
  });

  it('nothing was said on a console, and no other host was asked, all this time', () => {
    expect(world.complaints.splice(0)).toEqual([]);
  });

  it('says that its numbers are old when the starter is gone', async () => {
    const page = await world.open('/');
    await page.locator('[data-site="eu"]').waitFor();
    await world.stop();
    await says(page, /^The connection to Twinport is lost; trying again. All numbers are as of \d{4}-/);
    await card(page, 'eu').getByText('Ready to take over').waitFor();
  });
});
