#!/usr/bin/env node
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheBin, discard } from './parts/cache.mjs';
import { isProgram } from './parts/command.mjs';
import { removeGo } from './parts/go.mjs';
import { NEEDS, PARTS } from './parts/table.mjs';

/**
 * Installs programs into the project's own cache folder, each from the first source that works; what is there stays.
 * @param names parts, or `demo` or `test` for all that these need
 * @throws Error with what was tried for each part that could not be had, and what to do by hand
 */
export async function installParts(names, say = (line) => process.stderr.write(`${line}\n`)) {
  const wanted = new Set(names.flatMap((name) => NEEDS[name] ?? [name]));
  const unknown = [...wanted].filter((name) => !PARTS.some((part) => part.name === name));
  if (unknown.length > 0) {
    throw new Error(
      `no such part: ${unknown.join(', ')}; there are ${[...Object.keys(NEEDS), ...PARTS.map((part) => part.name)].join(', ')}`,
    );
  }
  const parts = PARTS.filter((part) => wanted.has(part.name));
  try {
    const failures = (await Promise.all(parts.map((part) => install(part, say)))).filter((failure) => failure !== undefined);
    if (failures.length > 0) throw new Error(failures.join('\n'));
  } finally {
    removeGo();
  }
}

async function install(part, say) {
  const place = join(cacheBin, part.name);
  if (isProgram(place) && (await part.unfit(place)) === undefined) return undefined;
  const tried = [];
  for (const source of part.sources) {
    try {
      await source.get(part, () => say(`${part.name}: ${source.label}, which takes ${part.slow ?? source.slow} …`));
      const complaint = await part.unfit(place);
      if (complaint !== undefined) {
        discard(part.name);
        throw new Error(`what came ${complaint}`);
      }
      say(`${part.name}: from ${source.label}`);
      return undefined;
    } catch (error) {
      tried.push(`  ${source.label}: ${error.message}`);
    }
  }
  const report = [`${part.name} cannot be installed. Tried:`, ...tried, `By hand: ${part.byHand}.`].join('\n');
  if (!part.optional) return report;
  say(`${report}\nGoing on without: ${part.optional}.`);
  return undefined;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const names = process.argv.slice(2);
  await installParts(names.length > 0 ? names : ['demo']).catch((error) => {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  });
}
