import { failureOf } from '../src/model/failure.ts';
import { LIMIT_BOUNDS, type SiteLimits } from '../src/model/limits.ts';
import type { LimitsAnswer } from '../src/processes/starter/api/limits.ts';
import { ask, note } from './dialogs.ts';
import { act } from './request.ts';

const LABELS: Readonly<Record<keyof SiteLimits, string>> = {
  requests: 'Requests to its registry at a time',
  transfers: 'Blobs at a time',
  bytesPerSecond: 'Bytes a second',
  scanRequestsPerSecond: 'Requests a second of scans',
};
const NAMES = Object.keys(LIMIT_BOUNDS) as (keyof SiteLimits)[];

/** Changes what a running site may use at once. */
export async function changeLimits(site: string, { configured, changed }: LimitsAnswer): Promise<void> {
  const now = NAMES.map((name) => String(changed?.[name] ?? configured[name] ?? ''));
  const values = await ask({
    title: `Limits of ${site}`,
    text: ['Its workers keep to them within seconds, until they are set back to what is configured.'],
    fields: NAMES.map((name, at) => ({
      label: LABELS[name],
      type: 'number',
      value: now[at] ?? '',
      bounds: LIMIT_BOUNDS[name],
      ...(now[at] === '' && { hint: 'Without a limit now.' }),
    })),
    verb: 'Change',
  });
  const change = NAMES.flatMap((name, at) => (values?.[at] && values[at] !== now[at] ? [[name, Number(values[at])] as const] : []));
  if (change.length === 0) return;
  try {
    await act(`/sites/${encodeURIComponent(site)}/limits`, Object.fromEntries(change));
    note.set({ text: `${site}: the limits are changed.`, bad: false });
  } catch (thrown) {
    note.set({ text: failureOf(thrown).message, bad: true });
  }
}
