import { testOciServer } from '../support/oci-server.ts';
import { conformance } from './conformance.ts';
import { testSession } from './support/sessions.ts';

conformance(
  'ociserver',
  async () => {
    const { url } = await testOciServer();
    return { url, session: testSession(url) };
  },
  {
    resume: true,
    deleteTag: true,
    referrers: true,
    singlePost: true,
    // It answers 500 to all that is wrong with a manifest.
    missingBlobs: 'UNAVAILABLE',
    noManifest: 'UNAVAILABLE',
    beyondTheEnd: 'UNAVAILABLE',
    limitsManifests: false,
    deletesTagsOfDigest: false,
    cancelsUploads: false,
    badName: 'NAME_INVALID',
  },
);
