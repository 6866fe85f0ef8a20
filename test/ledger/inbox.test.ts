import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { doneInbox, inboxDepth, putInbox, takeInbox } from '../../src/ledger/index.ts';
import type { Change } from '../../src/model/change.ts';
import { useLedger } from './support.ts';

const use = useLedger();
const change = (id: string): Change => ({ id, source: 'test', repository: 'a', action: 'push', tag: 'v1' });
const put = (...ids: string[]) =>
  putInbox(
    use.ledger,
    ids.map((id) => ({ site: 'eu', change: change(id), receivedAt: 1000 })),
  );

describe('the inbox', () => {
  it('gives each entry to one taker, until its lease ends', async () => {
    await put('1', '2', '3', '4', '5', '6');
    expect(await inboxDepth(use.ledger)).toBe(6);
    const takers = await Promise.all([
      takeInbox(use.ledger, 2),
      takeInbox(use.ledger, 2),
      takeInbox(use.ledger, 2),
      takeInbox(use.ledger, 2),
    ]);
    const taken = takers.flat();
    expect(taken.map((entry) => entry.change.id).sort()).toEqual(['1', '2', '3', '4', '5', '6']);
    expect(taken[0]).toEqual({
      id: expect.any(Number),
      site: 'eu',
      change: change(String(taken[0]?.change.id)),
      receivedAt: 1000,
      attempts: 1,
    });
    await doneInbox(
      use.ledger,
      taken.slice(0, 4).map(({ id }) => id),
    );
    expect(await inboxDepth(use.ledger)).toBe(2);
    expect(await takeInbox(use.ledger, 10)).toEqual([]);
    await sql`update inbox set leased_until = 1`.execute(use.ledger.db);
    const again = await takeInbox(use.ledger, 10);
    expect(again.map(({ attempts }) => attempts)).toEqual([2, 2]);
    await doneInbox(
      use.ledger,
      again.map(({ id }) => id),
    );
    expect(await inboxDepth(use.ledger)).toBe(0);
  });

  it('puts what was tried before behind what is new', async () => {
    await put('stuck');
    await takeInbox(use.ledger, 1, 0);
    await put('new');
    expect((await takeInbox(use.ledger, 2)).map((entry) => entry.change.id)).toEqual(['new', 'stuck']);
  });
});
