import type { Change } from '../../model/change.ts';
import type { SitePolicy } from '../../model/policy.ts';
import type { Look, Notice } from '../../model/steps.ts';
import { repositoryInScope, tagInScope } from '../../replication/scope.ts';

/** What one workflow of one site is to be told, and the changes that it stands for (they go to the inbox if Temporal is away). */
export interface Delivery {
  /** Site, repository and tag, or site and repository where no tag is to be looked at. */
  readonly key: string;
  readonly policy: SitePolicy;
  readonly repository: string;
  readonly looks: readonly Look[];
  readonly notices: readonly Notice[];
  readonly changes: readonly ReceivedChange[];
}

/** A change and when it came, in milliseconds since the epoch. */
export interface ReceivedChange {
  readonly change: Change;
  readonly receivedAt: number;
}

/**
 * Turns changes into what the sites' workflows must hear: a tag's push is a look, everything else a notice.
 * @returns one delivery a site, repository and tag, and how many changes no site replicates (our own writes among them)
 */
export function deliveriesOf(
  received: readonly ReceivedChange[],
  policies: readonly SitePolicy[],
): { deliveries: Delivery[]; outOfScope: number } {
  const byKey = new Map<string, Delivery>();
  let outOfScope = 0;
  for (const item of received) {
    const wanting = policies.filter((policy) => inScope(policy, item.change));
    if (wanting.length === 0) outOfScope += 1;
    for (const policy of wanting) {
      const delivery = deliveryOf(item, policy);
      const before = byKey.get(delivery.key);
      byKey.set(delivery.key, before ? merge(before, delivery) : delivery);
    }
  }
  return { deliveries: [...byKey.values()], outOfScope };
}

/** Two deliveries of one key as one: of a tag only the newest event's digest is waited for. */
export function merge(earlier: Delivery, later: Delivery): Delivery {
  return {
    ...later,
    notices: [...earlier.notices, ...later.notices],
    changes: [...earlier.changes, ...later.changes],
  };
}

function inScope(policy: SitePolicy, change: Change): boolean {
  return repositoryInScope(policy, change.repository) && (change.tag === undefined || tagInScope(policy, change.tag));
}

function deliveryOf(received: ReceivedChange, policy: SitePolicy): Delivery {
  const { change, receivedAt } = received;
  const { repository, tag, digest } = change;
  const common = { policy, repository, changes: [received] };
  if (change.action === 'push' && tag !== undefined) {
    const look: Look = { tag, receivedAt, ...(digest === undefined ? { lookAgain: true } : { digest }) };
    return { ...common, key: `${policy.site} ${repository}:${tag}`, looks: [look], notices: [] };
  }
  return { ...common, key: `${policy.site} ${repository}`, looks: [], notices: [noticeOf(received)] };
}

function noticeOf({ change, receivedAt }: ReceivedChange): Notice {
  const named = {
    ...(change.tag === undefined ? {} : { tag: change.tag }),
    ...(change.digest === undefined ? {} : { digest: change.digest }),
  };
  if (change.action === 'delete') return { kind: 'deleted', ...named, receivedAt };
  // A push that names nothing means the repository as a whole.
  return { kind: change.digest === undefined ? 'compare' : 'digest', ...named, receivedAt };
}
