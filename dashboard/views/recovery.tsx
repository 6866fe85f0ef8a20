import type { Page } from '../../src/ledger/paging.ts';
import { formatAge, formatBytes } from '../../src/model/text.ts';
import type { SiteSample } from '../../src/ledger/site-samples.ts';
import type { SiteStatus } from '../../src/ledger/site-status.ts';
import { Curve, type Point } from '../parts/curve.tsx';
import { useRead, useTick } from '../use-read.ts';
import { moment, number, since } from '../words.ts';

const EVERY_MS = 30_000;
const RATE_MS = 10 * 60_000;

/** How far behind a site may be, proved and observed, and how fast it is, now and over a day. */
export function Recovery({ site }: { readonly site: SiteStatus }) {
  const { value } = useRead<Page<SiteSample>>(`/sites/${encodeURIComponent(site.name)}/samples?hours=24`, useTick(EVERY_MS));
  const samples = value?.items ?? [];
  const { lagSeconds, recoveryPoint, recoveryPointSeconds, waived } = site;
  const points = samples.map(({ at, recoveryPointSeconds: y }) => ({ at: Date.parse(at), y }));
  const proved = recoveryPointSeconds === null ? 'Not proved yet' : since(recoveryPointSeconds);
  const rates = ratesOf(samples);
  return (
    <div class="recovery">
      <div>
        <h3>Lag now</h3>
        <p class="figure">{lagSeconds === null ? '–' : lagSeconds <= 0 ? 'none' : formatAge(lagSeconds)}</p>
        <p class="soft">{lagWords(lagSeconds)}</p>
      </div>
      <div>
        <h3>Proven recovery point</h3>
        <p class="figure">
          {recoveryPoint === null ? proved : <time title={moment(recoveryPoint)}>{proved}</time>}
          {waived > 0 && <small> without {number(waived)} waived</small>}
        </p>
        <Curve title="Age of the proven recovery point" now={proved} points={points} format={formatAge} />
      </div>
      <div>
        <h3>Throughput</h3>
        <p class="figure">
          {rates === undefined ? '–' : perMinute(rates.images)} <small>images a minute</small>
        </p>
        <p class="soft">
          {rates === undefined ? 'not measured yet' : `${formatBytes(Math.round(rates.bytes))} a second, in the last 10 minutes`}
        </p>
        {rates && <Curve title="Images verified a minute" now={perMinute(rates.images)} points={rates.curve} format={perMinute} />}
      </div>
    </div>
  );
}

/** What a sample says was verified since the one before, as rates. */
function ratesOf(samples: readonly SiteSample[]): { images: number; bytes: number; curve: Point[] } | undefined {
  if (samples.length < 2) return undefined;
  const spans = samples
    .slice(1)
    .map((sample, at) => ({ ...sample, at: Date.parse(sample.at), ms: Date.parse(sample.at) - Date.parse(samples[at]?.at ?? sample.at) }));
  const recent = spans.filter(({ at }) => at > Date.now() - RATE_MS);
  const ms = Math.max(
    1,
    recent.reduce((sum, span) => sum + span.ms, 0),
  );
  return {
    images: (recent.reduce((sum, span) => sum + span.images, 0) / ms) * 60_000,
    bytes: (recent.reduce((sum, span) => sum + span.bytes, 0) / ms) * 1_000,
    curve: spans.map(({ at, images, ms: span }) => ({ at, y: span > 0 ? (images / span) * 60_000 : null })),
  };
}

function perMinute(n: number): string {
  return n.toFixed(n < 10 ? 1 : 0);
}

function lagWords(seconds: number | null): string {
  if (seconds === null) return 'not known before the first scan';
  return seconds <= 0 ? 'every known change is verified' : 'since the oldest change that is not verified';
}
