import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { applicationFailure } from '../../activities/failure.ts';
import { createDispatcher, type InboxRow } from '../../src/processes/starter/dispatch.ts';
import type { TemporalHealth } from '../../src/processes/starter/temporal-health.ts';
import { sendLook } from '../../src/processes/temporal/looks.ts';
import { findBinary } from '../support/parts.ts';
import { POLICY } from '../support/policy.ts';
import { withinTries } from '../support/temporal.ts';

const ROOM = 3;
const notice = (n: number) => ({ kind: 'deleted' as const, tag: `v${n}`, receivedAt: n });

/* Nobody works on the queues, and the server has room for a few signals a workflow instead of 10,000. */
describe('a workflow that takes no more signals', () => {
  let env: TestWorkflowEnvironment;
  beforeAll(async () => {
    env = await withinTries(() =>
      TestWorkflowEnvironment.createLocal({
        server: {
          executable: { type: 'existing-path', path: findBinary('temporal') },
          log: { format: 'json', level: 'error' },
          extraArgs: ['--dynamic-config-value', `history.maximumSignalsPerExecution=${ROOM}`],
        },
      }),
    );
  });
  afterAll(() => env.teardown());

  it('has a look pending: one more is not needed', async () => {
    for (let n = 0; n <= ROOM; n++)
      await sendLook(env.client, { policy: POLICY, repository: 'app', looks: [{ tag: 'v1', receivedAt: n }], notices: [] });
  });

  it('drops no notice: an activity that has one tries again, a starter puts it into the inbox', async () => {
    const send = (n: number) => sendLook(env.client, { policy: POLICY, repository: 'app', looks: [], notices: [notice(n)] });
    for (let n = 0; n < ROOM; n++) await send(n);
    const refused: unknown = await send(ROOM).catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'RATE_LIMITED', message: 'the workflow of app takes no more notices for now' });
    expect(applicationFailure(refused).nonRetryable).toBe(false);

    const inbox: InboxRow[] = [];
    const health: TemporalHealth = { away: false, answeredAt: 0 };
    const dispatcher = createDispatcher({
      ...{ policies: [POLICY], health, gap: { pending: false }, logger: pino({ level: 'silent' }) },
      send: ({ policy, repository, looks, notices }) => sendLook(env.client, { policy, repository, looks, notices }),
      store: async (rows) => void inbox.push(...rows),
    });
    const change = { id: '1', source: 'distribution' as const, repository: 'app', action: 'delete' as const, tag: 'v9' };
    expect(await dispatcher.accept([{ change, receivedAt: 9 }])).toEqual({ sent: 0, stored: 1, outOfScope: 0 });
    expect(inbox).toEqual([{ site: POLICY.site, change, receivedAt: 9 }]);
    // Temporal answered, and the next event goes to it.
    expect(health.away).toBe(false);
    await dispatcher.close();
  });
});
