import { count } from '../src/model/text.ts';
import { failureOf } from '../src/model/failure.ts';
import type { Cancelled, UndoItem } from '../src/processes/starter/operations.ts';
import { ask, note, type Field, type Question } from './dialogs.ts';
import { act } from './request.ts';

/** Something that is done to images. */
export interface ImageDeed {
  readonly verb: string;
  /** Asked before; absent: done at once, for it takes nothing away. */
  readonly question?: (images: string) => Omit<Question, 'verb' | 'submit'>;
  run(site: string, references: readonly string[], values: readonly string[]): Promise<string>;
}

const REASON: Field = { label: 'Why', type: 'text', required: true, hint: 'It stands in the audit, and beside the image.' };
const at = (site: string, path: string): string => `/sites/${encodeURIComponent(site)}/${path}`;

/** What can be done to one image, or to a selection. */
export const IMAGE_DEEDS: readonly ImageDeed[] = [
  {
    verb: 'Retry',
    run: async (site, references) => `${looked(await act(at(site, 'retry'), { references }))} again.`,
  },
  {
    verb: 'Verify',
    run: async (site, references) =>
      `${looked(await act(at(site, 'verify'), { references }))}: read back from the site, and mended if it differs.`,
  },
  {
    verb: 'Cancel',
    question: (images) => ({
      title: `Cancel the copying of ${images}?`,
      text: ['A transfer that runs is stopped and its upload removed. The next push or scan starts anew.'],
    }),
    async run(site, references) {
      const { items } = await act<Cancelled>(at(site, 'cancel'), { references });
      const cancelled = items.filter(({ result }) => result === 'cancelled').length;
      return `${count(cancelled, 'run')} cancelled${cancelled < items.length ? `; ${items.length - cancelled} did not run` : ''}.`;
    },
  },
  {
    verb: 'Undo',
    question: (images) => ({
      title: `Set ${images} back?`,
      text: [
        'At this site each tag is set back to what it stood for before its last move or deletion, and stays there: no scan and no event moves it until you approve that under "Held".',
        'The site is not ready meanwhile, for it differs from the primary.',
      ],
      danger: true,
    }),
    async run(site, references) {
      const { items } = await act<{ items: UndoItem[] }>(at(site, 'undo'), { references });
      return items
        .map(
          ({ reference, state, reason }) =>
            `${reference}: ${state === 'asked' ? 'asked for, not done yet' : state}${reason === null ? '' : `, ${reason}`}`,
        )
        .join('; ');
    },
  },
  {
    verb: 'Waive',
    question: (images) => ({
      title: `Leave ${images} out of the recovery point?`,
      text: [
        'Lag and recovery point no longer count what fails at its present digest. It stays failed, and the site not ready: only the figures leave it out, and say so.',
      ],
      fields: [REASON],
      danger: true,
    }),
    async run(site, references, [reason = '']) {
      const { count: n } = await act<{ count: number }>(at(site, 'waive'), { references, reason });
      return `${count(n, 'image')} waived.`;
    },
  },
];

/** Does something to images, once it is confirmed, and says what came of it. @returns whether it was done */
export async function doToImages(deed: ImageDeed, site: string, references: readonly string[]): Promise<boolean> {
  const images = references.length === 1 ? (references[0] ?? '') : count(references.length, 'image');
  const asked = deed.question?.(images);
  return confirmed(asked && { ...asked, verb: deed.verb }, (values) => deed.run(site, references, values));
}

/** Something that is done to a whole site. */
export interface SiteDeed {
  readonly verb: string;
  readonly question?: (site: string) => Omit<Question, 'verb' | 'submit'>;
  readonly path: string;
  readonly body?: object;
  readonly done: string;
}

export const SITE_DEEDS = {
  pause: {
    verb: 'Pause',
    question: (site) => ({
      title: `Pause ${site}?`,
      text: [
        'Its workers finish what they copy now and begin nothing else. Pushes are kept, and the site falls behind until you resume it.',
      ],
      danger: true,
    }),
    ...{ path: 'pause', done: 'Paused.' },
  },
  resume: { verb: 'Resume', path: 'resume', done: 'Resumed.' },
  scan: { verb: 'Scan now', path: 'backfill/start', done: 'A scan of the whole primary was asked for.' },
  verify: { verb: 'Read back', path: 'verify', body: { depth: 'shallow' }, done: 'All that is synced is being read back.' },
  'verify-deep': {
    verb: 'Read back all bytes',
    question: (site) => ({
      title: `Read back every byte at ${site}?`,
      text: ['Every blob is read from the site and hashed. It may take hours, and traffic.'],
    }),
    ...{ path: 'verify', body: { depth: 'deep' }, done: 'Every byte is being read back and hashed.' },
  },
  'retry-failed': { verb: 'Retry all failed', path: 'retry', body: { failed: true }, done: 'All failed images are tried again.' },
  'cancel-backfill': {
    verb: 'Cancel the backfill',
    question: (site) => ({
      title: `Cancel the backfill of ${site}?`,
      text: ['What was brought over stays. What was not found yet waits for the next scan.'],
      danger: true,
    }),
    ...{ path: 'backfill/cancel', done: 'The backfill is cancelled.' },
  },
  'reset-limits': { verb: 'Limits as configured', path: 'limits/reset', done: 'The limits are the configured ones again.' },
  'approve-primary': {
    verb: 'Follow the primary',
    question: (site) => ({
      title: `Let ${site} follow the primary as it is now?`,
      text: [
        'The primary lacks images that were verified from it. If it was wiped or restored from an old backup, following it overwrites and deletes good images at this site.',
        'Do this only if the primary is meant to be as it is.',
      ],
      danger: true,
    }),
    ...{ path: 'primary/approve', done: 'The site follows the primary; a scan was started.' },
  },
  'reject-primary': {
    verb: 'Keep what is here',
    path: 'primary/reject',
    done: 'Nothing is overwritten or deleted until the primary is good again.',
  },
} as const satisfies Record<string, SiteDeed>;

/** Does something to a site, once it is confirmed, and says what came of it. */
export async function doToSite(deed: SiteDeed, site: string): Promise<boolean> {
  const asked = deed.question?.(site);
  return confirmed(asked && { ...asked, verb: deed.verb }, async () => {
    await act(at(site, deed.path), deed.body);
    return `${site}: ${deed.done}`;
  });
}

/** Decides held deletions or moves. */
export async function decide(
  site: string,
  what: 'deletions' | 'moves',
  verdict: 'approve' | 'reject',
  held: readonly { readonly id: string; readonly reference: string }[],
): Promise<boolean> {
  const things = held.length === 1 ? (held[0]?.reference ?? '') : count(held.length, what === 'deletions' ? 'tag' : 'move');
  return confirmed({ ...WARNINGS[what][verdict](site, things), verb: verdict === 'approve' ? 'Approve' : 'Reject' }, async () => {
    const { count: n } = await act<{ count: number }>(at(site, `${what}/${verdict}`), { ids: held.map(({ id }) => id) });
    return `${site}: ${count(n, what === 'deletions' ? 'deletion' : 'move')} ${verdict === 'approve' ? 'approved' : 'rejected'}.`;
  });
}

const WARNINGS: Readonly<
  Record<'deletions' | 'moves', Record<'approve' | 'reject', (site: string, things: string) => Omit<Question, 'verb' | 'submit'>>>
> = {
  deletions: {
    approve: (site, things) => ({
      title: `Delete ${things} at ${site}?`,
      text: [
        'Each tag is looked at again first: what the primary has again by then stays, and so does what changed at the site.',
        'What a tag stood for is kept for deletes.keep (7 days if nothing is said), and can be undone in that time.',
      ],
      danger: true,
    }),
    reject: (site, things) => ({
      title: `Keep ${things} at ${site}?`,
      text: ['It stays at the site although the primary no longer has it, and is not asked again until that changes.'],
    }),
  },
  moves: {
    approve: (site, things) => ({
      title: `Move ${things} at ${site} as the primary did?`,
      text: [
        'The tag will stand for the older image that the primary has under it now. What it stands for today is kept for deletes.keep.',
      ],
      danger: true,
    }),
    reject: (site, things) => ({
      title: `Leave ${things} at ${site} as it is?`,
      text: ['The tag keeps its present image until the primary moves it elsewhere.'],
    }),
  },
};

/** Asks if there is something to ask, does it, and tells what came of it. */
async function confirmed(
  question: Omit<Question, 'submit'> | undefined,
  run: (values: readonly string[]) => Promise<string>,
): Promise<boolean> {
  const values = question ? await ask(question) : [];
  if (values === undefined) return false;
  try {
    note.set({ text: await run(values), bad: false });
    return true;
  } catch (thrown) {
    note.set({ text: failureOf(thrown).message, bad: true });
    return false;
  }
}

function looked({ count: n }: { count: number }): string {
  return `${count(n, 'image')} ${n === 1 ? 'is' : 'are'} looked at`;
}
