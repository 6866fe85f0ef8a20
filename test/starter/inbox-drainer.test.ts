import { afterAll, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { doneInbox, inboxDepth, putInbox, returnInbox, takeInbox } from '../../src/ledger/index.ts';
import { startInboxDrainer, type InboxDrainer } from '../../src/processes/starter/inbox-drainer.ts';
import { policyOf, useLedger } from '../ledger/support.ts';
import { until } from './support.ts';

const use = useLedger();
let drainer: InboxDrainer | undefined;
afterAll(() => drainer?.close());

it('hands on what was taken when Temporal went away again, as soon as it is back', async () => {
  const entries = ['1', '2', '3', '4'].map((id) => ({
    ...{ site: 'eu', receivedAt: 1000 },
    change: { id, source: 'test', repository: 'a', action: 'push' as const, tag: id },
  }));
  await putInbox(use.ledger, entries);
  const health = { away: false, answeredAt: 0 };
  const delivered: string[] = [];
  let failures = 0;
  drainer = startInboxDrainer({
    take: (limit) => takeInbox(use.ledger, limit),
    done: (ids) => doneInbox(use.ledger, ids),
    giveBack: (ids) => returnInbox(use.ledger, ids),
    policies: [policyOf('eu')],
    health,
    gap: { pending: false },
    dispatcher: {
      async deliver({ change }) {
        // Away in the middle of the first batch.
        if (change.id === '2' && failures++ === 0) {
          health.away = true;
          throw new Error('no answer');
        }
        delivered.push(change.id);
      },
      accept: () => Promise.reject(new Error('not asked')),
      close: () => Promise.resolve(),
    },
    probe: () => Promise.resolve(),
    scan: () => Promise.resolve(),
    logger: pino({ level: 'silent' }),
  });
  // A lease is 30 s.
  await until(async () => ((await inboxDepth(use.ledger)) === 0 ? true : undefined), 15_000);
  expect(delivered.toSorted()).toEqual(['1', '2', '3', '4']);
});
