import type { LoadOptions } from '../../../config/index.ts';
import { readConfig } from '../read-config.ts';
import type { Endpoint } from '../../../registry/endpoint.ts';
import type { ExitCode } from '../exit-code.ts';
import { clean, printJson, printLine } from '../output.ts';
import type { CheckedPart } from '../../doctor/check.ts';
import { checkCanary } from './check-canary.ts';
import { checkControl } from '../../doctor/control-checks.ts';
import { checkPrimary, checkSecondary } from './registry-checks.ts';

/** Tries every connection and permission, and says the fix. */
export async function runDoctor(where: Omit<LoadOptions, 'sections'>, json: boolean): Promise<ExitCode> {
  const config = readConfig({ ...where, sections: ['temporal', 'ledger', 'webhook', 'secondaries'] });
  const sites = config.secondaries;
  const primaries = new Map<string, Endpoint>(sites.map((site) => [site.primary.url, site.primary]));
  const groups = await Promise.all([
    ...[...primaries.values()].map((primary) =>
      checkPrimary(
        primary,
        sites.filter((site) => site.primary.url === primary.url),
      ),
    ),
    ...sites.map(checkSecondary),
    checkControl(config),
    ...(config.canary ? [checkCanary(config.canary)] : []),
  ]);
  const checks = groups.flat();
  for (const check of checks) show(check, json);
  const failed = checks.filter(({ ok }) => !ok);
  if (failed.length === 0) return 0;
  return failed.some(({ unreachable }) => unreachable) ? 3 : 1;
}

function show({ name, ok, found, fix }: CheckedPart, json: boolean): void {
  if (json) return printJson({ name, ok, found, fix });
  printLine(`${ok ? (fix === null ? 'ok  ' : 'note') : 'FAIL'}  ${name}: ${clean(found)}`);
  if (fix !== null) printLine(`      -> ${fix}`);
}
