import { testRegistry } from '../support/registries.ts';
import { conformance } from './conformance.ts';
import { testSession } from './support/sessions.ts';

const VERSIONS = [
  { version: 2, traits: { row: 'distribution-2', resume: false, deleteTag: false, referrers: false, singlePost: false } },
  { version: 3, traits: { row: 'distribution-3', resume: true, deleteTag: true, referrers: false, singlePost: false } },
] as const;

for (const { version, traits } of VERSIONS) {
  conformance(
    `Distribution ${version}`,
    async () => {
      const { url } = await testRegistry({ version });
      return { url, session: testSession(url, { kind: 'distribution' }) };
    },
    traits,
  );
}
