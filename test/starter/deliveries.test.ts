import { describe, expect, it } from '@jest/globals';
import type { Change } from '../../src/model/change.ts';
import type { SitePolicy } from '../../src/model/policy.ts';
import { deliveriesOf, type Delivery } from '../../src/processes/starter/deliveries.ts';
import { singleFlight } from '../../src/processes/starter/flights.ts';
import { digest, policyOf } from '../ledger/support.ts';

const change = (more: Partial<Change>): Change => ({ id: '1', source: 'distribution', repository: 'team/app', action: 'push', ...more });
const received = (...changes: Change[]) => changes.map((each, at) => ({ change: each, receivedAt: 1_000 + at }));
const eu = policyOf('eu');

describe('deliveriesOf', () => {
  it.each<[string, Partial<Change>, Partial<Delivery>]>([
    [
      'a tag’s push is a look',
      { tag: 'v1', digest: digest(1) },
      { looks: [{ tag: 'v1', digest: digest(1), receivedAt: 1_000 }], notices: [] },
    ],
    [
      'a push without a digest is looked at again',
      { tag: 'v1' },
      { looks: [{ tag: 'v1', lookAgain: true, receivedAt: 1_000 }], notices: [] },
    ],
    [
      'a tagless push is a notice',
      { digest: digest(1) },
      { looks: [], notices: [{ kind: 'digest', digest: digest(1), receivedAt: 1_000 }] },
    ],
    ['a renamed repository is compared', {}, { looks: [], notices: [{ kind: 'compare', receivedAt: 1_000 }] }],
    ['a deleted tag', { action: 'delete', tag: 'v1' }, { looks: [], notices: [{ kind: 'deleted', tag: 'v1', receivedAt: 1_000 }] }],
    [
      'a deleted digest',
      { action: 'delete', digest: digest(1) },
      { looks: [], notices: [{ kind: 'deleted', digest: digest(1), receivedAt: 1_000 }] },
    ],
    ['a deleted repository', { action: 'delete' }, { looks: [], notices: [{ kind: 'deleted', receivedAt: 1_000 }] }],
  ])('%s', (_what, said, wanted) => {
    const { deliveries, outOfScope } = deliveriesOf(received(change(said)), [eu]);
    expect(outOfScope).toBe(0);
    expect(deliveries).toHaveLength(1);
    expect(deliveries[0]).toMatchObject({ policy: eu, repository: 'team/app', ...wanted });
  });

  it('gives each site its share, and counts what is nobody’s', () => {
    const filtered = (site: string, include: string[], tags: string[]): SitePolicy => ({
      ...policyOf(site),
      repositories: { include, exclude: [] },
      tags: { include: tags, exclude: [] },
    });
    const sites = [filtered('eu', ['team/**'], ['**']), filtered('us', ['**'], ['v*'])];
    const { deliveries, outOfScope } = deliveriesOf(
      received(
        change({ tag: 'v1', digest: digest(1) }),
        change({ tag: 'latest', digest: digest(1) }),
        change({ repository: 'other', tag: 'latest', digest: digest(2) }),
        change({ repository: 'twinport/doctor', tag: 'v1', digest: digest(3) }),
        change({ tag: 'twinport-keep-1', digest: digest(3) }),
      ),
      sites,
    );
    expect(deliveries.map(({ key }) => key).sort()).toEqual(['eu team/app:latest', 'eu team/app:v1', 'us team/app:v1']);
    expect(outOfScope).toBe(3);
  });

  it('makes one delivery of an envelope’s events of one tag: the newest digest', () => {
    const { deliveries } = deliveriesOf(received(change({ tag: 'v1', digest: digest(1) }), change({ tag: 'v1', digest: digest(2) })), [eu]);
    expect(deliveries).toHaveLength(1);
    expect(deliveries[0]?.looks).toEqual([{ tag: 'v1', digest: digest(2), receivedAt: 1_001 }]);
    expect(deliveries[0]?.changes).toHaveLength(2);
  });
});

describe('singleFlight', () => {
  const delivery = (key: string, n: number): Delivery => ({
    ...{ key, policy: eu, repository: 'a', notices: [], changes: [] },
    looks: [{ tag: key, digest: digest(n) }],
  });

  function slowSender(): { send: (sent: Delivery) => Promise<void>; sent: Delivery[]; finish: (error?: Error) => void } {
    const sent: Delivery[] = [];
    const ends: ((error?: Error) => void)[] = [];
    return {
      sent,
      send: (one) =>
        new Promise((resolve, reject) => {
          sent.push(one);
          ends.push((error) => (error ? reject(error) : resolve()));
        }),
      finish: (error) => ends.shift()?.(error),
    };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('merges what comes during a call into one next call, for which all wait', async () => {
    const { send, sent, finish } = slowSender();
    const fly = singleFlight(send);
    const done: number[] = [];
    const calls = [1, 2, 3, 4].map((n) => fly(delivery('k', n)).then(() => done.push(n)));
    const other = fly(delivery('other', 9));
    expect(sent.map(({ looks }) => looks[0]?.digest)).toEqual([digest(1), digest(9)]);
    finish();
    finish();
    await settled();
    expect(done).toEqual([1]);
    expect(sent).toHaveLength(3);
    expect(sent[2]?.looks[0]?.digest).toBe(digest(4));
    finish();
    await Promise.all([...calls, other]);
    expect(sent).toHaveLength(3);
  });

  it('fails only those whose call failed', async () => {
    const { send, finish, sent } = slowSender();
    const fly = singleFlight(send);
    const first = fly(delivery('k', 1));
    const second = fly(delivery('k', 2));
    finish(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await settled();
    finish();
    await second;
    const third = fly(delivery('k', 3));
    finish();
    await third;
    expect(sent).toHaveLength(3);
  });
});
