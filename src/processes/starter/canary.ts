import type { Logger } from 'pino';
import type { TwinportConfig } from '../../config/index.ts';
import { matchCanaries, recordCanaryFailure, recordCanaryPush, takeCanaryTurn } from '../../ledger/canaries.ts';
import type { Ledger } from '../../ledger/ledger.ts';
import { failureOf } from '../../model/failure.ts';
import { CANARY_TAG, canaryManifest, pushCanary } from '../../registry/push-canary.ts';
import { openSession, type Session } from '../../registry/session.ts';
import { repeat } from './repeat.ts';

const LOOK_MS = 2_000;

/** Pushes the canary whenever it is due, and looks for its event among those that were received. */
export function startCanary(parts: { ledger: Ledger; logger: Logger; canary: NonNullable<TwinportConfig['canary']> }): {
  close(): Promise<void>;
} {
  const session = openSession(parts.canary.endpoint);
  const run = async (): Promise<void> => {
    try {
      await pushIfDue(session, parts);
      await matchCanaries(parts.ledger, CANARY_TAG);
    } catch (error) {
      parts.logger.debug({ failure: failureOf(error) }, 'the canary has to wait');
    }
  };
  const repeating = repeat(LOOK_MS, run);
  return {
    async close() {
      await repeating.close();
      await session.close();
    },
  };
}

async function pushIfDue(session: Session, { ledger, logger, canary }: Parameters<typeof startCanary>[0]): Promise<void> {
  const id = await takeCanaryTurn(ledger, canary.repository, canary.everyMs);
  if (id === undefined) return;
  const manifest = canaryManifest(id);
  try {
    await pushCanary(session, canary.repository, manifest, () => recordCanaryPush(ledger, id, manifest.digest));
  } catch (error) {
    const failure = failureOf(error);
    logger.warn({ failure }, 'the canary could not be pushed to the primary');
    await recordCanaryFailure(ledger, id, failure.message);
  }
}
