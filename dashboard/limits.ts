import { failureOf } from '../src/model/failure.ts';
import type { SiteLimits } from './contract.ts';
import { ask, note } from './dialogs.ts';
import { act } from './request.ts';

const FIELDS = [
  ['requests', 'Requests at a time, a host'],
  ['transfers', 'Blobs at a time'],
  ['bytesPerSecond', 'Bytes a second'],
  ['scanRequestsPerSecond', 'Requests a second of scans'],
] as const;

/** Changes what a running site may do at once; its workers take it up within seconds. */
export async function changeLimits(site: string, now: SiteLimits | undefined): Promise<void> {
  const values = await ask({
    title: `Limits of ${site}`,
    text: ['All workers of the site follow within seconds, until the limits are set back to those that are configured.'],
    fields: FIELDS.map(([key, label]) => ({ label, type: 'number', value: String(now?.[key] ?? ''), hint: 'Empty: as it is.' })),
    verb: 'Change',
  });
  if (values === undefined) return;
  const given = FIELDS.flatMap(([key], at) => (values[at] ? [[key, Number(values[at])]] : []));
  try {
    await act(`/sites/${encodeURIComponent(site)}/limits`, Object.fromEntries(given) as object);
    note.set({ text: `${site}: the limits are changed.`, bad: false });
  } catch (thrown) {
    note.set({ text: failureOf(thrown).message, bad: true });
  }
}
