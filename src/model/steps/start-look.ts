import type { Look, Notice, RepositoryStep } from './step.ts';

export interface StartLookInput extends RepositoryStep {
  readonly looks: readonly Look[];
  readonly notices: readonly Notice[];
}
