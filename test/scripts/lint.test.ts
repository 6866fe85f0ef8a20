import { beforeAll, describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';

const BAD = `
import { Buffer } from 'node:buffer';
interface Shape { kind: 'a' | 'b' }
export function wrong(shape: Shape, b: Buffer): number {
  Promise.resolve(b);
  [1].forEach(async (n) => { await Promise.resolve(n); });
  console.log(process.env['HOME']);
  switch (shape.kind) { case 'a': return 1; }
  return 2;
}
${Array.from({ length: 410 }, (_, n) => `export const line${n} = ${n};`).join('\n')}
export function long(): number {
${Array.from({ length: 90 }, (_, n) => `  Math.max(${n}, 1);`).join('\n')}
  return 1;
}
`;

/** Texts that stand in the place of files: the rules need their types, so the files must exist. */
const TEXTS: [file: string, text: string][] = [
  ['src/model/backoff.ts', BAD],
  ['src/config/units.ts', "export const home = process.env['HOME'];\n"],
  ['src/processes/cli/main.ts', "console.log('x');\n"],
];
const LINT = `
import { ESLint } from 'eslint';
import { text } from 'node:stream/consumers';
const eslint = new ESLint();
const broken = [];
for (const [filePath, code] of JSON.parse(await text(process.stdin))) {
  const [result] = await eslint.lintText(code, { filePath });
  broken.push(result.messages.map((message) => message.ruleId ?? message.message));
}
process.stdout.write(JSON.stringify(broken));
`;
let broken: string[][];

beforeAll(() => {
  // In a process of its own: ESLint loads its configuration with an import that Jest's modules do not know.
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', LINT], {
    input: JSON.stringify(TEXTS),
    // Where `CI` is set the parser believes that files do not change, and lints what lies on the disk instead of these texts.
    env: { ...process.env, TSESTREE_SINGLE_RUN: 'false' },
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  broken = JSON.parse(stdout) as string[][];
}, 180_000);

describe('the linter', () => {
  it('finds each thing that the house forbids', () => {
    expect(broken[0]).toEqual(
      expect.arrayContaining([
        '@typescript-eslint/consistent-type-imports',
        '@typescript-eslint/no-floating-promises',
        '@typescript-eslint/no-misused-promises',
        '@typescript-eslint/switch-exhaustiveness-check',
        'no-console',
        'no-restricted-properties',
        'max-lines',
        'max-lines-per-function',
      ]),
    );
  });

  it('lets src/config read the environment, and the CLI print', () => {
    expect(broken.slice(1)).toEqual([[], []]);
  });
});
