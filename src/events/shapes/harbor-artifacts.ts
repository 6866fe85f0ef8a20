import { z } from 'zod';
import { optionalText } from '../optional-text.ts';
import { changeOf, type Reading } from '../reading.ts';

/** What Harbor says of artifacts, in both of its formats: `repo_full_name` is `project/name`, as `/v2/` names it. */
export const HARBOR_ARTIFACTS = z.looseObject({
  resources: z.array(z.unknown()),
  repository: z.looseObject({ repo_full_name: z.string() }),
});
/** Of an artifact without a tag, `tag` is the digest. */
const RESOURCE = z.looseObject({ digest: optionalText, tag: optionalText });

/** Reads what Harbor says of artifacts, each by itself. */
export function readHarborArtifacts(
  source: string,
  action: 'push' | 'delete',
  id: string,
  told: z.infer<typeof HARBOR_ARTIFACTS>,
): Reading[] {
  return told.resources.map((resource) => {
    const read = RESOURCE.safeParse(resource);
    if (!read.success) return 'malformed';
    const { tag, digest } = read.data;
    return changeOf(source, { id, action, repository: told.repository.repo_full_name, tag, digest });
  });
}
