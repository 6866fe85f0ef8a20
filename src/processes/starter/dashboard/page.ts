// 8. What people see: every site and how far it is, from the ledger.
import type { SiteStatus } from '../../../ledger/site-status.ts';
import { formatAge } from '../../../model/text.ts';
import type { Assets } from './assets.ts';
import { html, type Html } from './html.ts';

/** A site as the page shows it. */
export interface SiteView extends SiteStatus {
  readonly failures: readonly FailureView[];
}

/** An image that failed, and why. */
export interface FailureView {
  readonly reference: string;
  readonly reason: string;
  /** Of its workflow in Temporal's Web UI. */
  readonly link?: string;
}

/** All that the page shows. */
export interface PageView {
  readonly sites: readonly SiteView[];
  /** Of Temporal's Web UI. */
  readonly webUi?: string;
  /** Events that wait for Temporal. */
  readonly inbox: number;
  /** When this was read, in milliseconds since the epoch. */
  readonly at: number;
}

const REFRESH_SECONDS = 5;

/** The dashboard as it comes, for every browser: what has scripts takes over, what has none loads the page anew every 5 s. */
export function renderPage(view: PageView, assets: Assets): string {
  const webUi = view.webUi === undefined ? [] : [html`<a href="${view.webUi}" rel="noreferrer">Temporal Web UI</a>`];
  const inbox = view.inbox === 0 ? [] : [html`<span class="wait">${view.inbox} events wait for Temporal</span>`];
  const sites = view.sites.length === 0 ? [html`<section>No site is configured.</section>`] : view.sites.map(renderSite);
  return renderLive(
    assets,
    html`<header>
        <h1>Twinport</h1>
        ${webUi} ${inbox}
        <span class="soft">as of ${new Date(view.at).toISOString().slice(0, 19).replace('T', ' ')} UTC</span>
      </header>
      <main>${sites}</main>`,
  );
}

/** The page while the ledger does not answer; it looks again by itself. */
export function renderAway(message: string, assets: Assets): string {
  return renderLive(
    assets,
    html`<header><h1>Twinport</h1></header>
      <main>
        <section>
          <h2 class="bad">How the sites are is not known now</h2>
          <p>${message}</p>
        </section>
      </main>`,
  );
}

/** The page for whom we do not know: it asks for the token. */
export function renderLogin(refused: boolean, assets: Assets): string {
  const hint = refused ? [html`<p class="bad">That is not the token.</p>`] : [];
  return renderDocument(
    assets,
    [],
    html`<header><h1>Twinport</h1></header>
      <main>
        <section>
          <h2>Sign in</h2>
          <p>The token is the configured <code>control.token</code>, or stands in <code>run.json</code> in the data directory.</p>
          ${hint}
          <form method="post" action="/login">
            <input type="password" name="token" aria-label="Token" autocomplete="current-password" required autofocus />
            <button>Sign in</button>
          </form>
        </section>
      </main>`,
  );
}

function renderLive(assets: Assets, body: Html): string {
  const head = [html`<noscript><meta http-equiv="refresh" content="${REFRESH_SECONDS}" /></noscript>`];
  if (assets.script) head.push(html`<script type="module" src="${assets.script.path}"></script>`);
  return renderDocument(assets, head, html`<div id="app">${body}</div>`);
}

function renderDocument({ style, icon }: Assets, head: readonly Html[], body: Html): string {
  const links = [
    ...(style ? [html`<link rel="stylesheet" href="${style.path}" />`] : []),
    ...(icon ? [html`<link rel="icon" href="${icon.path}" />`] : []),
  ];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>Twinport</title>
        ${links} ${head}
      </head>
      <body>
        ${body}
      </body>
    </html>`.markup;
}

function renderSite(site: SiteView): Html {
  const badge = site.ready
    ? html`<span class="badge good">ready</span>`
    : html`<span class="badge ${site.failed > 0 ? 'bad' : 'wait'}">not ready</span>`;
  const counts: readonly (readonly [string, number, string])[] = [
    ['Total', site.total, ''],
    ['Synced', site.synced, ''],
    ['Verified', site.verified, site.verified === site.total && site.total > 0 ? 'good' : ''],
    ['Failed', site.failed, site.failed > 0 ? 'bad' : ''],
    ['Queued', site.pending, site.pending > 0 ? 'wait' : ''],
    ['Waived', site.waived, site.waived > 0 ? 'wait' : ''],
    ['Held', site.held, site.held > 0 ? 'wait' : ''],
    ['Foreign', site.foreign, ''],
    ['Excluded', site.excluded, ''],
  ];
  return html`<section id="site-${site.name}">
    <div class="head">
      <h2>${site.name}</h2>
      ${badge}
      <span>${site.reason ?? ''}</span>
      <span class="soft"
        >${site.workers === 1 ? '1 worker' : `${site.workers} workers`}${site.paused ? ', paused' : ''}${renderLag(site)}</span
      >
    </div>
    <dl>
      ${counts.map(
        ([name, n, tone]) =>
          html`<div>
            <dt>${name}</dt>
            <dd class="${tone}">${n}</dd>
          </div>`,
      )}
    </dl>
    ${renderProgress('Verified', site.verified, site.total)} ${site.backfill ? [renderBackfill(site.backfill)] : []}
    ${renderFailures(site.failures)}
  </section>`;
}

function renderLag({ lagSeconds, recoveryPointSeconds, waived, missedEvents, canary }: SiteView): string {
  const lag = lagSeconds === null || lagSeconds <= 0 ? '' : `, oldest unverified change ${formatAge(lagSeconds)} ago`;
  const but = waived > 0 ? ` (${waived} waived)` : '';
  const missed = missedEvents.reduce((sum, one) => sum + one.missed, 0);
  const unannounced = missed > 0 ? `, ${missed} changes came without an event` : '';
  const point = recoveryPointSeconds === null ? 'not proved yet' : `proved ${formatAge(recoveryPointSeconds)} ago`;
  const silent = canary?.state === 'missed' ? ', the canary’s event did not come' : '';
  return `${lag}, recovery point ${point}${but}${unannounced}${silent}`;
}

function renderBackfill(backfill: NonNullable<SiteView['backfill']>): Html {
  return html`<h3>Backfill: ${backfill.state}, ${backfill.done} of ${backfill.total} repositories</h3>
    ${renderProgress('Backfill', backfill.done, backfill.total)}`;
}

function renderProgress(label: string, done: number, total: number): Html {
  return html`<progress aria-label="${label}" max="${Math.max(1, total)}" value="${Math.min(done, Math.max(1, total))}">
    ${done} of ${total}
  </progress>`;
}

function renderFailures(failures: readonly FailureView[]): readonly Html[] {
  if (failures.length === 0) return [];
  const rows = failures.map(
    ({ reference, reason, link }) =>
      html`<tr>
        <td>
          ${link === undefined ? html`<code>${reference}</code>` : html`<a href="${link}" rel="noreferrer"><code>${reference}</code></a>`}
        </td>
        <td>${reason}</td>
      </tr>`,
  );
  return [
    html`<h3>Latest failures</h3>
      <table>
        <thead>
          <tr>
            <th>Image</th>
            <th>Why</th>
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>`,
  ];
}
