#!/usr/bin/env node
import { runBuilt } from '../built.ts';

// Who reads us may have gone (`| head`): that is no failure of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
const { run } = runBuilt<typeof import('./run.ts')>('program.cjs')?.exports ?? (await import('./run.ts'));
const code = await run(process.argv);
// A pipe takes what was written before the process ends.
process.stdout.write('', () => process.exit(code));
