import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { TwinportConfig } from '../../../config/index.ts';
import { readConfig } from '../read-config.ts';
import type { ImageStatus } from '../../../ledger/images.ts';
import type { SiteStatus } from '../../../ledger/site-status.ts';
import { isTwinportError, TwinportError } from '../../../model/failure.ts';
import { NO_WORK } from '../../../model/work.ts';
import { freePort } from '../../embedded/free-port.ts';
import { startRegistry, type EmbeddedRegistry } from '../../embedded/registry.ts';
import { createStack, type Stack } from '../../embedded/stack.ts';
import { remoteApi, type ApiClient } from '../api-client.ts';
import { madeWebhookSecret } from '../data-dir.ts';
import type { ExitCode } from '../exit-code.ts';
import { onInterruption } from '../interruption.ts';
import { note, printLine } from '../output.ts';
import { ownSystem, type OwnSystem } from '../own-system.ts';
import { startProgress } from '../progress.ts';
import { endFailure, followBackfill, sitePath } from '../sync/follow.ts';
import { describeResult, isComplete, resultOf } from '../sync/result.ts';
import { fillPrimary, pushImage } from './content.ts';

const PUSH = { repository: 'shop/web', tag: '1.3', bytes: 2_000_000 };
const PUSH_PATIENCE_MS = 60_000;
const POLL_MS = 20;

/** Two throw-away registries, a filled primary, everything embedded, and a push while you watch. */
export async function runDemo(exit: boolean, logger: Logger): Promise<ExitCode> {
  const interruption = onInterruption();
  const stack = createStack((part, message) => logger.warn({ part, reason: message }, 'a part did not end well'));
  try {
    const folder = await mkdtemp(join(tmpdir(), 'twinport-demo-'));
    // So that PostgreSQL's user, where we are root, may pass through; else its files would lie elsewhere and stay behind.
    await chmod(folder, 0o711);
    stack.add('the temporary folder', () => rm(folder, { recursive: true, force: true }));
    const story = tellStory(folder, exit, stack, logger, interruption.signal, interruption.interrupted);
    // Interrupted while parts start: they are let finish, so that the stack knows of them.
    return await story;
  } catch (error) {
    if (interruption.signal.aborted) return 0;
    throw error;
  } finally {
    await stack.close();
    interruption.close();
  }
}

async function tellStory(
  folder: string,
  exit: boolean,
  stack: Stack,
  logger: Logger,
  signal: AbortSignal,
  interrupted: Promise<void>,
): Promise<ExitCode> {
  note('starting two registries and filling the primary with a dozen images');
  const [primary, secondary] = await startRegistries(folder, stack);
  const references = await fillPrimary(primary.url);
  signal.throwIfAborted();

  const { system, site } = await startTwinport(folder, primary, secondary, stack, logger);
  const api = remoteApi(system.url, system.token);
  printLine(`Primary:         ${primary.url} (CNCF Distribution 3, ${references.length} tags)`);
  printLine(`Secondary:       ${secondary.url} (CNCF Distribution 2.8, empty)`);
  printLine(`Dashboard:       ${system.url}/`);
  if (system.webUi !== undefined) printLine(`Temporal Web UI: ${system.webUi}`);

  printLine('\nThe first replication ("backfill"):');
  await backfill(api, site, signal);
  printLine(`\nA push to ${PUSH.repository}:${PUSH.tag} at the primary, seen from the secondary:`);
  await watchPush(api, site, primary.url, signal);
  if (exit) return 0;
  printLine(`\nPush to ${new URL(primary.url).host} yourself, look at the pages above; Ctrl-C ends all of it.`);
  await Promise.race([interrupted, system.broken]);
  return 0;
}

async function startRegistries(folder: string, stack: Stack): Promise<[EmbeddedRegistry, EmbeddedRegistry]> {
  const starts = ([3, 2] as const).map(async (version) => {
    const registry = await startRegistry({ version, dir: join(folder, version === 3 ? 'primary' : 'secondary') });
    stack.add(`registry ${version}`, () => registry.stop());
    return registry;
  });
  await Promise.allSettled(starts);
  return (await Promise.all(starts)) as [EmbeddedRegistry, EmbeddedRegistry];
}

async function startTwinport(
  folder: string,
  primary: EmbeddedRegistry,
  secondary: EmbeddedRegistry,
  stack: Stack,
  logger: Logger,
): Promise<{ system: OwnSystem; site: string }> {
  const loaded = readConfig({
    primary: primary.url,
    secondary: secondary.url,
    sections: ['temporal', 'ledger', 'control', 'webhook', 'secondaries'],
  });
  const dataDir = join(folder, 'data');
  const listen = `127.0.0.1:${await freePort()}`;
  const config: TwinportConfig = { ...loaded, dataDir, webhook: { listen, secrets: {} } };
  const sites = config.secondaries;
  const system = await ownSystem({
    command: 'up',
    config,
    sites,
    temporal: 'memory',
    ui: true,
    listen,
    webhook: true,
    workers: true,
    resetSites: false,
    logger,
  });
  if ('running' in system) throw new TwinportError('INTERNAL', 'a Twinport runs in a folder that was just made');
  stack.add('Twinport', () => system.stop());
  const site = sites[0];
  if (!site) throw new TwinportError('INTERNAL', 'two URLs made no site');
  // From now on the primary tells of its pushes; what it holds already is the backfill's.
  await primary.restart({
    notifications: { url: `${system.url}/api/v4/container_registry_event/events`, secret: await madeWebhookSecret(dataDir) },
  });
  return { system, site: site.name };
}

async function backfill(api: ApiClient, site: string, signal: AbortSignal): Promise<void> {
  const since = performance.now();
  const display = startProgress();
  try {
    await api.post(sitePath(site, 'backfill/start'), { once: true });
    const state = await followBackfill(api, site, { display, signal });
    display.stop();
    const failure = endFailure(site, state);
    if (failure) throw failure;
    const result = resultOf(await api.get<SiteStatus>(sitePath(site)), state.work ?? NO_WORK, (performance.now() - since) / 1000);
    printLine(describeResult(result));
    if (!isComplete(result)) throw new TwinportError('INTERNAL', 'the backfill ended, and not everything is verified');
  } finally {
    display.stop();
  }
}

async function watchPush(api: ApiClient, site: string, url: string, signal: AbortSignal): Promise<void> {
  const { digest } = await pushImage(url, PUSH.repository, PUSH.tag, { layers: [PUSH.bytes] });
  const pushed = performance.now();
  const path = sitePath(site, `images/${PUSH.repository}:${PUSH.tag}`);
  let shown = '';
  while (performance.now() - pushed < PUSH_PATIENCE_MS) {
    const image = await findImage(api, path);
    const state = image ? `sync ${image.sync}, verification ${image.verification}` : 'not known yet';
    if (state !== shown) printLine(`  after ${Math.round(performance.now() - pushed)} ms: ${state}`);
    shown = state;
    if (image?.digest === digest && image.verification === 'succeeded') return;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new TwinportError('STALLED', `the push was not verified within ${PUSH_PATIENCE_MS / 1000} s: ${shown}`);
}

async function findImage(api: ApiClient, path: string): Promise<ImageStatus | undefined> {
  try {
    return await api.get<ImageStatus>(path);
  } catch (error) {
    if (isTwinportError(error) && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}
