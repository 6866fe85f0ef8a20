import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheBin, link } from './cache.mjs';
import { must } from './command.mjs';

/** A program of a Python package that needs others, in an environment of its own beside the cache's programs. */
export function venv(requirement, program) {
  return {
    label: `Python’s package ${requirement}`,
    slow: 'a minute',
    async get(part, saySlow) {
      saySlow();
      const folder = join(dirname(cacheBin), 'venv', requirement.replace('==', '-'));
      rmSync(folder, { recursive: true, force: true });
      await must('python3', ['-m', 'venv', folder]);
      const env = { HOME: folder, ...process.env };
      await must(join(folder, 'bin', 'pip'), ['install', '--quiet', '--only-binary', ':all:', requirement], { env });
      link(part.name, join(folder, 'bin', program));
    },
  };
}
