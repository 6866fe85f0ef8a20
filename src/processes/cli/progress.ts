import { MultiBar, Presets, type SingleBar } from 'cli-progress';
import { note } from './output.ts';

/** How far one site is. */
export interface SiteProgress {
  readonly site: string;
  /** Repositories. */
  readonly done: number;
  readonly total: number;
  /** More, in words. */
  readonly detail: string;
}

/** Shows progress on stderr: bars where it is a terminal, else a line every few seconds. */
export interface ProgressDisplay {
  update(progress: SiteProgress): void;
  stop(): void;
}

const LINE_EVERY_MS = 5_000;
const BAR = '{site} {bar} {value}/{total} repositories{detail}';

/** Makes the display that fits the terminal. */
export function startProgress(): ProgressDisplay {
  return process.stderr.isTTY ? barDisplay() : lineDisplay();
}

function barDisplay(): ProgressDisplay {
  const bars = new MultiBar({ format: BAR, stream: process.stderr, hideCursor: true, emptyOnZero: true }, Presets.shades_grey);
  const bySite = new Map<string, SingleBar>();
  return {
    update({ site, done, total, detail }) {
      const payload = { site, detail: detail === '' ? '' : `, ${detail}` };
      const bar = bySite.get(site) ?? bars.create(total, done, payload);
      bySite.set(site, bar);
      bar.setTotal(total);
      bar.update(done, payload);
    },
    stop: () => bars.stop(),
  };
}

function lineDisplay(): ProgressDisplay {
  const shown = new Map<string, { readonly text: string; readonly at: number }>();
  return {
    update({ site, done, total, detail }) {
      const text = `${site}: ${done} of ${total} repositories${detail === '' ? '' : `, ${detail}`}`;
      const last = shown.get(site);
      if (last?.text === text || Date.now() - (last?.at ?? 0) < LINE_EVERY_MS) return;
      shown.set(site, { text, at: Date.now() });
      note(text);
    },
    stop: () => undefined,
  };
}
