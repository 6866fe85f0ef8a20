import { says } from './command.mjs';
import { goBuildOf, goInstall } from './go.mjs';
import { debian, installed, path } from './sources.mjs';

/*
 * What `npm run test:registries` runs besides: the clients with which people push and pull, and an S3 for a registry's storage. A
 * machine can do without each of them; its tests are then skipped, and named.
 */

/** Of a Go module; `minimum` is the second number of the oldest Go that can build it. */
function fromGo(name, args, pattern, module, version, minimum) {
  return built(name, args, pattern, (go) => goInstall(module, { version, ...go }), minimum);
}

function buildKit(name) {
  return built(
    name,
    ['--version'],
    new RegExp(`^${name}`, 'm'),
    (go) => goBuildOf('github.com/moby/buildkit', `cmd/${name}`, { version: 'v0.34.2', ...go }),
    26,
  );
}

function built(name, args, pattern, source, minimum) {
  const sources = [source({ minimum }), source({ pythonGo: true })];
  return {
    name,
    unfit: says(args, pattern, `is not ${name}`),
    sources: [path(name), ...sources],
    byHand: `put ${name} on PATH`,
    slow: 'minutes',
    optional: `the tests with ${name} are skipped`,
  };
}

/** Of Debian: with what it needs where we are root, else the program alone. */
function fromDebian(name, pattern) {
  return {
    name,
    unfit: says(['--version'], pattern, `is not ${name}, or lacks its libraries`),
    sources: [path(name), installed(name, name), debian(name, name)],
    byHand: `install ${name} with the system’s package manager`,
    optional: `the tests with ${name} are skipped`,
  };
}

export const CLIENTS = [
  fromGo('crane', ['version'], /^v?0\.\d+|^\(devel\)/m, 'github.com/google/go-containerregistry/cmd/crane', 'v0.22.1', 25),
  fromGo('oras', ['version'], /^Version:\s+1\./m, 'oras.land/oras/cmd/oras', 'v1.3.6', 26),
  fromGo('regctl', ['version'], /^VCSTag:/m, 'github.com/regclient/regclient/cmd/regctl', 'v0.11.7', 26),
  fromGo('versitygw', ['--version'], /^Version\s+:/m, 'github.com/versity/versitygw/cmd/versitygw', 'v1.8.0', 25),
  fromGo('helm', ['version', '--short'], /^v3\./m, 'helm.sh/helm/v3/cmd/helm', 'v3.22.0', 26),
  fromGo('cosign', ['version'], /^GitVersion:/m, 'github.com/sigstore/cosign/v3/cmd/cosign', 'v3.1.3', 26),
  buildKit('buildctl'),
  buildKit('buildkitd'),
  fromDebian('runc', /^runc version/m),
  fromDebian('buildah', /^buildah version/m),
];

/** What `npm run bench` measures besides, and nothing else runs. */
export const PEERS = [fromGo('regsync', ['version'], /^VCSTag:/m, 'github.com/regclient/regclient/cmd/regsync', 'v0.11.7', 26)];
