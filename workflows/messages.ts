import { defineQuery, defineSignal } from '@temporalio/workflow';
import { QUERIES, SIGNALS } from '../src/model/names.ts';
import type { BackfillProgress, BackfillSiteInput, Look, Notice, Scanned, VerifyProgress } from '../src/model/steps.ts';

export const pushed = defineSignal<[Look]>(SIGNALS.pushed);
export const retry = defineSignal(SIGNALS.retry);
export const noticed = defineSignal<[Notice]>(SIGNALS.noticed);
export const scanned = defineSignal<[Scanned]>(SIGNALS.scanned);
export const again = defineSignal<[BackfillSiteInput]>(SIGNALS.again);
export const pause = defineSignal(SIGNALS.pause);
export const resume = defineSignal(SIGNALS.resume);
/** Written by hand too: read before it is believed. */
export const change = defineSignal<[unknown]>(SIGNALS.change);
export const reset = defineSignal(SIGNALS.reset);
export const verifyProgress = defineQuery<VerifyProgress>(QUERIES.progress);
export const progress = defineQuery<BackfillProgress>(QUERIES.progress);
