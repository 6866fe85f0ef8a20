import type { Site, SiteLimits } from '../contract.ts';
import { doToSite, SITE_DEEDS } from '../deeds.ts';
import { useRead } from '../use-read.ts';
import { changeLimits } from '../limits.ts';

/** What can be done with a whole site. */
export function Control({ site: { name, paused, failed } }: { readonly site: Site }) {
  const limits = useRead<{ configured: SiteLimits; changed: SiteLimits | null }>(`/sites/${encodeURIComponent(name)}/limits`);
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
        {limits.value && (
          <button
            type="button"
            onClick={() => void changeLimits(name, limits.value?.changed ?? limits.value?.configured).then(limits.again)}
          >
            Limits …
          </button>
        )}
      </div>
    </details>
  );
}
