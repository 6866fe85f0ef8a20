#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * What the program is made of: `audit` asks for known advisories about the packages that run, `sbom` writes them down as CycloneDX. Both are part of
 * `npm run check`. Without the advisories nothing can be said of them, and that is said; it fails nothing.
 */
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const GRAVE = ['critical', 'high'];

/** Runs npm and reads the JSON that it prints, whatever its exit code. */
function npmJson(args) {
  const { stdout, error } = spawnSync('npm', args, { cwd: root, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  if (error) throw error;
  try {
    return JSON.parse(stdout);
  } catch {
    return undefined;
  }
}

/** What an answer of `npm audit --json` means for us: `unknown` where there were no advisories to ask for. */
export function judgeAudit(answer) {
  const counts = answer?.metadata?.vulnerabilities;
  if (!counts) return { verdict: 'unknown', found: [] };
  const found = Object.values(answer.vulnerabilities ?? {}).map(({ name, severity }) => ({ name, severity }));
  return { verdict: found.some(({ severity }) => GRAVE.includes(severity)) ? 'grave' : 'fine', found };
}

/** Packages of a lock file that run and that nothing vouches for: no hash of what is to be installed. */
export function unvouched(lock) {
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && entry.dev !== true && entry.link !== true && !entry.integrity)
    .map(([path]) => path);
}

function audit() {
  const { verdict, found } = judgeAudit(npmJson(['audit', '--omit=dev', '--json', '--fetch-retries=0', '--fetch-timeout=15000']));
  for (const { name, severity } of found) process.stdout.write(`audit: ${severity}: ${name}\n`);
  if (verdict === 'unknown') process.stdout.write('audit: the advisories cannot be asked for from here; nothing was checked\n');
  else process.stdout.write(`audit: ${found.length} known advisories about the packages that run\n`);
  return verdict === 'grave' ? 1 : 0;
}

function sbom() {
  const loose = unvouched(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  for (const path of loose) process.stderr.write(`sbom: ${path} has no integrity in package-lock.json\n`);
  const bill = npmJson(['sbom', '--omit=dev', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application']);
  if (!bill?.components?.length) throw new Error('npm sbom wrote no list of components; npm 10 or newer is needed');
  const file = join(root, '.cache/sbom.cdx.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(bill, undefined, 2)}\n`);
  process.stdout.write(`sbom: ${bill.components.length} components (CycloneDX ${bill.specVersion}) in .cache/sbom.cdx.json\n`);
  return loose.length === 0 ? 0 : 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const run = { audit, sbom }[process.argv[2]];
  if (!run) {
    process.stderr.write('usage: node scripts/supply-chain.mjs audit|sbom\n');
    process.exit(2);
  }
  process.exitCode = run();
}
