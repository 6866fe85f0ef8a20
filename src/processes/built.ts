import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** What the build made one file of. */
export interface Built<T> {
  readonly exports: T;
  /** Keeps what V8 has compiled of it until now, for later starts. */
  keepCompiled(): void;
}

type Run = (exports: unknown, require: NodeJS.Require, module: { exports: unknown }, filename: string, dirname: string) => void;

/**
 * Runs a file that the build made of many, because a start must not look for a thousand modules and compile them.
 * @returns `undefined` where nothing was built: then the modules themselves are there
 * @see docs/adr/0025-one-file-for-a-quick-start.md
 */
export function runBuilt<T>(name: string): Built<T> | undefined {
  const path = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  if (!existsSync(path)) return undefined;
  const script = compile(path);
  const module = { exports: {} };
  (script.runInThisContext() as Run)(module.exports, createRequire(path), module, path, dirname(path));
  return {
    exports: module.exports as T,
    keepCompiled() {
      const kept = compiledOf(path);
      writeFileSync(`${kept}.new`, script.createCachedData());
      renameSync(`${kept}.new`, kept);
    },
  };
}

/** Compiles a bundle; what the same V8 has compiled of it before is taken, and of any other is not. */
export function compile(path: string): Script {
  const kept = compiledOf(path);
  // A bundle is ASCII alone, and that is read fastest as this.
  return new Script(`(function (exports, require, module, __filename, __dirname) {${readFileSync(path, 'latin1')}\n})`, {
    filename: path,
    ...(existsSync(kept) ? { cachedData: readFileSync(kept) } : {}),
  });
}

function compiledOf(path: string): string {
  return `${path}.v8`;
}
