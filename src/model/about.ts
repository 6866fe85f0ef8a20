/** What a workflow or an activity is for, as far as its input says. */
export interface About {
  readonly site?: string;
  readonly repository?: string;
  /** `repository:tag`, where it is for one tag alone. */
  readonly reference?: string;
}

interface Named {
  readonly tag?: unknown;
}

/** Reads what the input of any workflow, activity or signal is for: most name a policy and a repository, some a site alone. */
export function aboutOf(input: unknown): About {
  if (typeof input !== 'object' || input === null) return {};
  const { policy, site: named, repository, ...rest } = input as Readonly<Record<string, unknown>>;
  const site = (policy as { site?: unknown } | undefined)?.site ?? named;
  const tag = onlyTag(rest);
  return {
    ...(typeof site === 'string' ? { site } : {}),
    ...(typeof repository === 'string' ? { repository } : {}),
    ...(typeof repository === 'string' && typeof tag === 'string' ? { reference: `${repository}:${tag}` } : {}),
  };
}

function onlyTag({ tag, looks, images, outcomes }: Readonly<Record<string, unknown>>): unknown {
  const list = [looks, images, outcomes].find((one): one is Named[] => Array.isArray(one));
  return tag ?? (list?.length === 1 ? list[0]?.tag : undefined);
}
