import { type Digest } from '../model/digest.ts';
import { MANIFEST_ACCEPT } from '../model/media-types.ts';
import { contentDigest, digestOf } from './content.ts';
import { isRegistryError } from './errors.ts';
import { kindOf } from './kinds/index.ts';
import { registryCodes } from './refusal.ts';
import type { Session } from './session.ts';

/** Evidence that a tag or manifest is not there, or why there is none. */
export type Absence =
  { readonly absent: true; readonly code: string } | { readonly absent: false; readonly digest?: Digest; readonly reason: string };

/**
 * Looks for evidence that a manifest is gone: only a GET answered 404 with a code that this kind of registry uses for it. (HEAD has no body, and
 * proxies and routers answer 404 too.)
 * @throws {RegistryError} CANCELLED
 */
export async function probeAbsence(session: Session, repository: string, reference: string, signal?: AbortSignal): Promise<Absence> {
  try {
    const response = await session.send({
      method: 'GET',
      repository,
      path: `manifests/${reference}`,
      headers: { accept: MANIFEST_ACCEPT },
      scope: 'pull',
      signal,
      accept: [200, 404],
    });
    if (response.status === 200) {
      return { absent: false, digest: contentDigest(response) ?? digestOf(response.bytes), reason: 'the manifest is there' };
    }
    const known = kindOf(session.endpoint.kind).absenceCodes;
    const codes = registryCodes(new TextDecoder().decode(response.bytes));
    const code = codes.find((one) => known.includes(one));
    if (code !== undefined) return { absent: true, code };
    return { absent: false, reason: codes.length === 0 ? 'a 404 without an error code' : `a 404 with ${codes.join(' ')}` };
  } catch (thrown) {
    if (!isRegistryError(thrown) || thrown.code === 'CANCELLED') throw thrown;
    return { absent: false, reason: thrown.message };
  }
}
