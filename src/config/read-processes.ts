import type { z } from 'zod';
import { checkSection } from './check-section.ts';
import { collectorOf } from './environment.ts';
import type { Reading } from './reading.ts';
import { resolveValues } from './resolve.ts';
import { control, ledger, retention, telemetry, temporal, worker } from './schema/processes.ts';
import { webhook } from './schema/webhook.ts';
import { buildTemporal } from './temporal.ts';
import type { Section, TwinportConfig } from './twinport-config.ts';
import { buildWebhook } from './webhook.ts';

/** Reads the sections of processes and their servers; those that were not asked for are absent or empty. */
export function readProcesses(
  reading: Reading,
): Pick<TwinportConfig, 'temporal' | 'ledger' | 'control' | 'webhook' | 'worker' | 'telemetry' | 'retention'> {
  const { resolution } = reading;
  const readTemporal = read(reading, 'temporal', temporal);
  const readLedger = read(reading, 'ledger', ledger);
  const { url, token } = read(reading, 'control', control) ?? {};
  const readWebhook = read(reading, 'webhook', webhook, {}) ?? webhook.parse({});
  const { otlp } = read(reading, 'telemetry', telemetry, collectorOf(resolution.env)) ?? {};
  const metricsAt = read(reading, 'worker', worker)?.listen;
  const kept =
    checkSection(retention, resolveValues(reading.root['retention'] ?? {}, ['retention'], resolution), ['retention'], resolution) ??
    retention.parse({});
  return {
    ...(readTemporal ? { temporal: buildTemporal(readTemporal, resolution) } : {}),
    ...(readLedger ? { ledger: readLedger } : {}),
    control: { ...(url === undefined ? {} : { url }), ...(token === undefined ? {} : { token }) },
    webhook: buildWebhook(readWebhook),
    worker: metricsAt === undefined ? {} : { listen: metricsAt },
    ...(otlp === undefined ? {} : { telemetry: { traces: otlp } }),
    retention: { inboxMs: kept.inbox, auditMs: kept.audit, historyMs: kept.history },
  };
}

/** A section that was asked for and is there (or has a default), checked. */
function read<S extends z.ZodType>(
  { root, resolution, sections }: Reading,
  name: Section & string,
  schema: S,
  absent?: unknown,
): z.output<S> | undefined {
  const written = root[name] ?? absent;
  if (!sections.includes(name) || written === undefined) return undefined;
  return checkSection(schema, resolveValues(written, [name], resolution), [name], resolution);
}
