import { sql } from 'kysely';
import type { ImagesToVerifyInput, ImagesToVerifyResult } from '../model/steps.ts';
import { count } from '../model/text.ts';
import { COUNTED } from './images.ts';
import { asked, type Ledger } from './ledger.ts';

interface Row {
  readonly repository: string;
  readonly tag: string;
  readonly chosen: boolean;
}

/**
 * A page of what a site's ledger calls synced, or of a sample of it, by repository and tag.
 * @throws {TwinportError} LEDGER
 */
export async function imagesToVerify(ledger: Ledger, input: ImagesToVerifyInput): Promise<ImagesToVerifyResult> {
  const { policy, after, limit, sample } = input;
  const { rows } = await asked(() =>
    sql<Row>`
      select repository, tag, random() < ${sample}::float8 as chosen from images
      where site = ${policy.site} and (repository, tag) > (${after?.repository ?? ''}, ${after?.tag ?? ''}) and sync = 'synced' and ${COUNTED}
      order by repository, tag limit ${limit}`.execute(ledger.db),
  );
  const byRepository = new Map<string, string[]>();
  for (const { repository, tag, chosen } of rows) if (chosen) byRepository.set(repository, [...(byRepository.get(repository) ?? []), tag]);
  const last = rows.at(-1);
  const images = [...byRepository.values()].reduce((sum, tags) => sum + tags.length, 0);
  return {
    summary: `${count(images, 'image')} to read back`,
    batches: [...byRepository].map(([repository, tags]) => ({ repository, tags })),
    ...(rows.length === limit && last ? { next: { repository: last.repository, tag: last.tag } } : {}),
  };
}
