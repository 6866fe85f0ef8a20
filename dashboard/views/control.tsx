import type { SiteStatus } from '../../src/ledger/site-status.ts';
import type { LimitsAnswer } from '../../src/processes/starter/api/limits.ts';
import { doToSite, SITE_DEEDS } from '../deeds.ts';
import { useRead } from '../use-read.ts';
import { changeLimits } from '../limits.ts';

/** What can be done with a whole site. */
export function Control({ site: { name, paused, failed } }: { readonly site: SiteStatus }) {
  const limits = useRead<LimitsAnswer>(`/sites/${encodeURIComponent(name)}/limits`);
  const deeds = [paused ? 'resume' : 'pause', 'scan', 'verify', 'verify-deep', ...(failed > 0 ? (['retry-failed'] as const) : [])] as const;
  return (
    <details class="control">
      <summary>
        Control<span class="unseen"> of {name}</span>
      </summary>
      <div class="buttons">
        {deeds.map((deed) => (
          <button key={deed} type="button" onClick={() => void doToSite(SITE_DEEDS[deed], name)}>
            {SITE_DEEDS[deed].verb}
          </button>
        ))}
        {limits.value && <Limits site={name} limits={limits.value} again={limits.again} />}
      </div>
    </details>
  );
}

function Limits({ site, limits, again }: { readonly site: string; readonly limits: LimitsAnswer; readonly again: () => void }) {
  return (
    <>
      <button type="button" onClick={() => void changeLimits(site, limits).then(again)}>
        Limits …
      </button>
      {limits.changed && (
        <button type="button" onClick={() => void doToSite(SITE_DEEDS['reset-limits'], site).then(again)}>
          {SITE_DEEDS['reset-limits'].verb}
        </button>
      )}
    </>
  );
}
