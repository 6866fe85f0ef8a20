import { afterEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A machine with only the programs given: a shell script each. */
function machine(programs: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'twinport-parts-'));
  folders.push(folder);
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return { bin, cache: join(folder, 'cache', 'bin'), folder };
}

function install({ bin, folder }: ReturnType<typeof machine>, ...parts: string[]): Promise<{ code: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const env = { PATH: bin, TWINPORT_CACHE: join(folder, 'cache') };
    const child = spawn(process.execPath, ['scripts/install-parts.mjs', ...parts], { env });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('close', (code) => resolve({ code, stderr }));
  });
}

const V2 = 'echo registry github.com/docker/distribution v2.8.3';
const V3 = 'echo registry github.com/distribution/distribution/v3 v3.1.2';

describe('install-parts', () => {
  it('points at what is on PATH, by version and not by name', async () => {
    const two = machine({ registry: V2, temporal: 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"' });
    expect(await install(two, 'docker-registry', 'temporal')).toEqual({ code: 0, stderr: expect.stringMatching(/temporal: from PATH/) });
    expect(readlinkSync(join(two.cache, 'docker-registry'))).toBe(join(two.bin, 'registry'));
    const three = machine({ registry: V3 });
    expect((await install(three, 'registry')).code).toBe(0);
    expect(readlinkSync(join(three.cache, 'registry'))).toBe(join(three.bin, 'registry'));
  });

  it('leaves alone what is in the cache and fits, and replaces what points nowhere or does not fit', async () => {
    const place = machine({ registry: V3 });
    mkdirSync(place.cache, { recursive: true });
    symlinkSync('/nowhere/registry', join(place.cache, 'registry'));
    expect((await install(place, 'registry')).stderr).toMatch(/registry: from PATH/);
    expect(await install(place, 'registry')).toEqual({ code: 0, stderr: '' });
    rmSync(join(place.cache, 'registry'));
    writeFileSync(join(place.cache, 'registry'), `#!/bin/sh\n${V2}\n`, { mode: 0o755 });
    expect((await install(place, 'registry')).stderr).toMatch(/registry: from PATH/);
  });

  it('unpacks a Debian package without root, and takes the program, not its namesakes', async () => {
    const place = machine({
      'apt-get': 'echo deb > docker-registry_2.deb',
      dpkg: `/bin/mkdir -p "$3/etc/init.d" "$3/usr/bin"; echo script > "$3/etc/init.d/docker-registry"; /bin/cp ${process.execPath} "$3/usr/bin/docker-registry"`,
    });
    // Node stands in for the program: machine code of another version, which is told as that.
    const { code, stderr } = await install(place, 'docker-registry');
    expect(code).toBe(1);
    expect(stderr).toMatch(/Debian’s package docker-registry: what came is not CNCF Distribution 2\.8/);
    expect(existsSync(join(place.cache, 'docker-registry'))).toBe(false);
  });

  it('says what was tried and what to do by hand', async () => {
    const { code, stderr } = await install(machine({ skopeo: 'echo something else' }), 'skopeo');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /skopeo cannot be installed\. Tried:\n {2}PATH: .*skopeo is not skopeo\n {2}installing Debian’s package skopeo: .*\nBy hand: install skopeo/,
    );
  });

  it('goes on without an optional part, and knows no others', async () => {
    expect(await install(machine({}), 'chromium')).toEqual({
      code: 0,
      stderr: expect.stringMatching(/Going on without: the tests of the dashboard/),
    });
    const { code, stderr } = await install(machine({ go: 'echo go1.20.1' }), 'crane');
    expect(code).toBe(0);
    expect(stderr).toMatch(/no crane on PATH\n.*the Go on PATH is go1\.20, and go1\.25 is needed\n.*python3/s);
    expect(stderr).toMatch(/Going on without: the tests with crane are skipped/);
    expect(await install(machine({}), 'nonsense')).toEqual({
      code: 1,
      stderr: expect.stringMatching(/no such part: nonsense; there are demo, test, bench, registries, temporal/),
    });
  });

  it('names no package registry by its host', () => {
    const hosts = /pypi|pythonhosted|npmjs|deb\.debian|proxy\.golang|crates\.io/;
    for (const file of ['install-parts.mjs', 'parts/table.mjs', 'parts/sources.mjs', 'parts/apt.mjs', 'run/prepare.mjs']) {
      expect(readFileSync(`scripts/${file}`, 'utf8')).not.toMatch(hosts);
    }
  });
});
