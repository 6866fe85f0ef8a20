import { describe, expect, it } from '@jest/globals';
import { freePort } from '../../src/processes/embedded/free-port.ts';
import { pushImage } from '../support/images.ts';
import { TEST_USER, testRegistry } from '../support/registries.ts';
import { twinport, workFolder, type Ended } from '../support/twinport.ts';
import { walk } from '../support/walk.ts';

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly found: string;
  readonly fix: string | null;
}

const checksOf = ({ stdout }: Ended): Check[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Check);
const check = (ended: Ended, name: string): Check | undefined => checksOf(ended).find((each) => each.name.endsWith(name));

const config = (primary: string, secondary: string, more = ''): string => `
primary: { url: "${primary}", auth: { type: none } }
secondaries:
  - { name: eu, url: "${secondary}", ${more} path: "mirror/{repository}" }
`;

describe('doctor', () => {
  it('finds two good registries good, says who else may push, and leaves nothing behind', async () => {
    const [primary, secondary] = await Promise.all([testRegistry({ version: 3 }), testRegistry({ version: 2 })]);
    await pushImage(primary.url, 'team/app', 'v1');
    const ended = await twinport(['doctor', '--json'], await workFolder(config(primary.url, secondary.url, 'auth: { type: none },')));
    expect(checksOf(ended).filter(({ ok }) => !ok)).toEqual([]);
    expect(ended.code).toBe(0);
    for (const each of checksOf(ended)) expect(Object.keys(each)).toEqual(['name', 'ok', 'found', 'fix']);
    expect(check(ended, ': pull')?.found).toContain('team/app:v1 can be pulled');
    expect(check(ended, ': push')?.found).toContain('mirror/twinport/doctor');
    expect(check(ended, ': others')).toMatchObject({
      ok: true,
      found: 'anybody may push here',
      fix: expect.stringContaining('only Twinport'),
    });
    expect(Object.values((await walk(secondary.url)).tags).flatMap((tags) => Object.keys(tags))).toEqual([]);
  });

  it('tells wrong passwords from refused deletes, and strangers apart from us', async () => {
    const [primary, secondary] = await Promise.all([
      testRegistry({ version: 3 }),
      testRegistry({ version: 3, deletes: false, auth: { type: 'htpasswd', users: [TEST_USER.line] } }),
    ]);
    const auth = (password: string) => `auth: { type: basic, username: ${TEST_USER.username}, password: ${password} },`;
    const wrong = await twinport(['doctor', '--json'], await workFolder(config(primary.url, secondary.url, auth('wrong-password'))));
    expect(wrong.code).toBe(1);
    expect(check(wrong, 'eu: connection')).toMatchObject({ ok: false, fix: expect.stringContaining('auth') });
    expect(wrong.stdout).not.toContain('wrong-password');

    const right = await twinport(['doctor', '--json'], await workFolder(config(primary.url, secondary.url, auth(TEST_USER.password))));
    expect(right.code).toBe(1);
    expect(check(right, 'eu: push')?.ok).toBe(true);
    expect(check(right, 'eu: delete')).toMatchObject({ ok: false, fix: expect.stringContaining('storage.delete.enabled') });
    expect(check(right, 'eu: others')).toMatchObject({ ok: true, found: 'pushing without credentials is refused', fix: null });
  });

  it('ends with 3 where something does not answer at all', async () => {
    const primary = await testRegistry({ version: 2 });
    const more = `ledger: { url: "postgresql://u:s3cret-pass@127.0.0.1:${await freePort()}/d" }\ntemporal: { address: "127.0.0.1:${await freePort()}" }\nwebhook: { secret: "1-bad" }\n`;
    const folder = await workFolder(config(primary.url, `http://127.0.0.1:${await freePort()}`, 'auth: { type: none },') + more);
    const ended = await twinport(['doctor'], folder);
    expect(ended.code).toBe(3);
    for (const name of ['secondary eu: connection', 'ledger', 'Temporal', 'webhook secret'])
      expect(ended.stdout).toMatch(new RegExp(`FAIL  ${name}: .*\\n {6}-> `));
    expect(ended.stdout + ended.stderr).not.toContain('s3cret-pass');
  });
});
