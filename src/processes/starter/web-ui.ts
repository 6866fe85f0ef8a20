import type { ControlParts } from './parts.ts';

/** Where people see Temporal: as configured, or the embedded server's; `undefined` where it is not known. */
export function webUiOf({ config, webUi }: Pick<ControlParts, 'config' | 'webUi'>): string | undefined {
  const url = config?.temporal?.webUi ?? webUi;
  return url !== undefined && /^https?:\/\//.test(url) ? url.replace(/\/+$/, '') : undefined;
}

/** The page of Temporal's Web UI that lists all runs of these workflows. */
export function workflowsLink(parts: Pick<ControlParts, 'config' | 'webUi'>, ids: readonly string[]): string | undefined {
  const url = webUiOf(parts);
  if (url === undefined) return undefined;
  const namespace = parts.config?.temporal?.namespace ?? 'default';
  const query = ids.map((id) => `WorkflowId = ${JSON.stringify(id)}`).join(' OR ');
  return `${url}/namespaces/${encodeURIComponent(namespace)}/workflows?query=${encodeURIComponent(query)}`;
}
