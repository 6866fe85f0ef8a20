import type { Command } from 'commander';
import { backfillCommand } from './backfill.ts';
import { cancelCommand } from './cancel.ts';
import { configCommand } from './config.ts';
import { demoCommand } from './demo.ts';
import { doctorCommand } from './doctor.ts';
import { deletionsCommand, movesCommand, primaryCommand } from './held.ts';
import { imagesCommand } from './images.ts';
import { limitsCommand } from './limits.ts';
import { pauseCommand, resumeCommand } from './pause.ts';
import { retryCommand } from './retry.ts';
import { starterCommand } from './starter.ts';
import { statusCommand } from './status.ts';
import { syncCommand } from './sync.ts';
import { tokenCommand } from './token.ts';
import { undoCommand } from './undo.ts';
import { upCommand } from './up.ts';
import { verifyCommand } from './verify.ts';
import { unwaiveCommand, waiveCommand } from './waive.ts';
import { waiversCommand } from './waivers.ts';
import { workerCommand } from './worker.ts';

/** Every command, in the order of the help. */
export const commands: readonly (() => Command)[] = [
  syncCommand,
  upCommand,
  demoCommand,
  starterCommand,
  workerCommand,
  statusCommand,
  imagesCommand,
  backfillCommand,
  pauseCommand,
  resumeCommand,
  limitsCommand,
  verifyCommand,
  retryCommand,
  cancelCommand,
  deletionsCommand,
  movesCommand,
  primaryCommand,
  undoCommand,
  waiveCommand,
  unwaiveCommand,
  waiversCommand,
  doctorCommand,
  configCommand,
  tokenCommand,
];
