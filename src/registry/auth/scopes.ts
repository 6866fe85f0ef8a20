import type { Need } from './authorizer.ts';

const ACTIONS = { pull: 'pull', push: 'pull,push', delete: 'delete', metadata: 'metadata_read' } as const;

/** The token scopes that a request needs, as a token service writes them; none for `/v2/` itself. */
export function scopesOf(need: Need): string[] {
  if (need.scope === 'catalog') return ['registry:catalog:*'];
  if (need.scope === 'any' || need.repository === undefined) return [];
  const own = `repository:${need.repository}:${ACTIONS[need.scope]}`;
  return need.pullFrom === undefined || need.pullFrom === need.repository ? [own] : [own, `repository:${need.pullFrom}:pull`];
}

/**
 * Puts two lists of scopes together, the actions of one resource in one scope.
 * The name may hold colons (`host:port/…`): the type ends at the first one, the actions begin after the last.
 */
export function mergeScopes(a: readonly string[], b: readonly string[]): string[] {
  const actions = new Map<string, Set<string>>();
  for (const scope of [...a, ...b]) {
    const colon = scope.lastIndexOf(':');
    if (colon <= scope.indexOf(':')) continue;
    const resource = scope.slice(0, colon);
    const known = actions.get(resource) ?? new Set();
    for (const action of scope.slice(colon + 1).split(',')) if (action !== '') known.add(action);
    actions.set(resource, known);
  }
  return [...actions].map(([resource, known]) => `${resource}:${[...known].sort().join(',')}`).sort();
}
