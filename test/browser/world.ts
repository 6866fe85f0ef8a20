import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import type { EmbeddedRegistry } from '../../src/processes/embedded/registry.ts';
import { systemApi, SECRET, type SystemApi } from '../faults/api.ts';
import { findPart } from '../support/parts.ts';
import { quirkProxy, type QuirkProxy } from '../support/quirk-proxy.ts';
import { testRegistry } from '../support/registries.ts';
import { keepRunning, startTwinport, workFolder } from '../support/twinport.ts';

export const TOKEN = 'token-of-this-test';
/** Other tests run beside these, and the machine may be slow. */
export const SLOW_MS = 60_000;

/** A whole Twinport with two sites, and a browser that looks at it. */
export interface World {
  readonly url: string;
  readonly primary: EmbeddedRegistry;
  /** In front of the two secondaries. */
  readonly targets: { readonly eu: QuirkProxy; readonly ap: QuirkProxy };
  readonly api: { readonly eu: SystemApi; readonly ap: SystemApi };
  /** Ends Twinport. */
  stop(): Promise<void>;
  /** A page of a browser that has not been here, watched for what may not happen. */
  open(
    path: string,
    options?: { readonly bypassCSP?: boolean; readonly scheme?: 'light' | 'dark'; readonly phone?: boolean },
  ): Promise<Page>;
  /** What pages said on their consoles as errors, and which other hosts they asked. */
  readonly complaints: string[];
}

/** Starts it for a file of tests. */
export function useWorld(): World {
  keepRunning();
  const complaints: string[] = [];
  let browser: Browser;
  let parts: Omit<World, 'open' | 'complaints'>;
  const contexts: BrowserContext[] = [];
  beforeAll(async () => {
    [parts, browser] = await Promise.all([startSystem(), startBrowser()]);
  }, 180_000);
  // A page that stays open goes on listening and reading.
  afterEach(() => Promise.all(contexts.splice(0).map((context) => context.close())));
  afterAll(async () => {
    await browser?.close();
  });
  return {
    get url() {
      return parts.url;
    },
    get primary() {
      return parts.primary;
    },
    get targets() {
      return parts.targets;
    },
    get api() {
      return parts.api;
    },
    stop: () => parts.stop(),
    complaints,
    async open(path, { bypassCSP = false, scheme = 'light', phone = false } = {}) {
      const viewport = phone ? { width: 390, height: 844 } : { width: 1280, height: 900 };
      const context = await browser.newContext({ bypassCSP, colorScheme: scheme, viewport });
      contexts.push(context);
      context.setDefaultTimeout(SLOW_MS);
      const page = await context.newPage();
      watch(page, parts.url, complaints);
      await page.goto(parts.url + path);
      return page;
    },
  };
}

async function startSystem(): Promise<Omit<World, 'open' | 'complaints'>> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const [primary, eu, ap] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 3 }), testRegistry({ version: 2 })]);
  const targets = { eu: await quirkProxy(eu.url), ap: await quirkProxy(ap.url) };
  const folder = await workFolder(`
control: { url: '${url}', token: ${TOKEN} }
webhook: { listen: '127.0.0.1:${port}', secret: ${SECRET} }
primary: { name: us, url: '${primary.url}' }
secondaries:
  - { name: eu, url: '${targets.eu.url}', deletes: { confirmAfter: 1s } }
  - { name: ap, url: '${targets.ap.url}', deletes: { confirmAfter: 1s } }
`);
  const twinport = startTwinport(['up'], folder);
  await twinport.waitFor(/Dashboard: /, 120_000);
  const stop = async (): Promise<void> => {
    twinport.kill('SIGTERM');
    await twinport.ended;
  };
  const apiOf = (site: string, secondary: string): SystemApi => systemApi({ url, token: TOKEN, site, primary: primary.url, secondary });
  return { url, stop, primary, targets, api: { eu: apiOf('eu', eu.url), ap: apiOf('ap', ap.url) } };
}

function startBrowser(): Promise<Browser> {
  // As root, which containers often are, Chromium runs without its sandbox alone.
  return chromium.launch({ executablePath: findPart('chromium') ?? '', args: ['--no-sandbox'], timeout: SLOW_MS });
}

function watch(page: Page, own: string, complaints: string[]): void {
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    // That an action was answered with 401, for the token was not yet given, is what is tested.
    const expected = message.text().includes('status of 401');
    if (message.type() === 'error' && !expected) complaints.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== own && protocol !== 'data:') complaints.push(`asked another host: ${request.url()}`);
  });
}

/** With TWINPORT_SCREENSHOTS set to a folder, keeps how a page looks there. */
export async function screenshot(page: Page, name: string): Promise<void> {
  const folder = process.env['TWINPORT_SCREENSHOTS'];
  if (folder === undefined) return;
  await writeFile(join(folder, `${name}.png`), await page.screenshot({ fullPage: true }));
}
