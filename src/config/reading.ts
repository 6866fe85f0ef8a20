import type { Resolution } from './resolve.ts';
import type { Section } from './twinport-config.ts';

/** One reading of a configuration: what was written, what to resolve it with, and which parts are wanted. */
export interface Reading {
  readonly root: Readonly<Record<string, unknown>>;
  readonly resolution: Resolution;
  readonly sections: readonly Section[];
}

/** Says whether a section is one of registries: without any of them no file is needed. */
export function needsRegistries(section: Section): boolean {
  return typeof section === 'object' || section === 'primary' || section === 'secondaries' || section === 'policies';
}
