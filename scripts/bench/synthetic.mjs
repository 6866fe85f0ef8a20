import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { CONFIG, LAYER, MANIFEST } from './content.mjs';

/*
 * A registry that holds as many repositories as it is told, and stores nothing: names, tags and manifests are made when they are asked for,
 * the same ones each time. In a process of its own; the parent says `{ repositories, tags, delayMs }`, at the start and whenever they change, and
 * gets `{ port }`; to `counts` it gets the requests since it was asked last, by what was asked for.
 */
const held = { repositories: 0, tags: 0, delayMs: 0 };
let counted = {};
let port;

const BLOBS = [Buffer.from('{}'), Buffer.from('a layer of few bytes')].map((bytes) => ({ bytes, digest: digestOf(bytes) }));

/** A manifest's text around the reference that it is of; the ledger's rows are made from them too. */
export const [BEFORE, AFTER] = manifestOf('|').split('|');

function repositoryOf(index) {
  return `bench/app-${String(index).padStart(6, '0')}`;
}

function tagOf(index) {
  return `v${String(index).padStart(3, '0')}`;
}

function manifestOf(reference) {
  const [config, layer] = BLOBS.map(({ bytes, digest }, at) => ({ mediaType: at === 0 ? CONFIG : LAYER, digest, size: bytes.length }));
  const annotations = { 'org.opencontainers.image.ref.name': reference };
  return JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, config, layers: [layer], annotations });
}

function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve();

function serve() {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    const answer = () => respond(request, response);
    if (held.delayMs > 0) setTimeout(answer, held.delayMs);
    else answer();
  });
  process.on('message', (asked) => {
    if (asked === 'counts') {
      process.send(counted);
      counted = {};
      return;
    }
    Object.assign(held, asked);
    if (port) process.send({ port });
    else server.listen(0, '127.0.0.1', () => process.send({ port: (port = server.address().port) }));
  });
  process.once('disconnect', () => process.exit());
}

function respond({ method, url }, response) {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  const [, path = ''] = pathname.split(/^\/v2\//);
  if (path === '') return send(response, method, 'ping', '{}');
  if (path === '_catalog')
    return list(response, searchParams, { path: '/v2/_catalog', field: 'repositories', count: held.repositories, nameOf: repositoryOf });
  const [, repository, what, last] = /^(.+)\/(tags|manifests|blobs)\/([^/]+)$/.exec(path) ?? [];
  if (!repository) return unknown(response);
  const index = Number(/^bench\/app-(\d{6})$/.exec(repository)?.[1] ?? NaN);
  if (!(index < held.repositories)) return missing(response, method, 'NAME_UNKNOWN');
  if (what === 'tags')
    return list(response, searchParams, {
      path: `/v2/${repository}/tags/list`,
      field: 'tags',
      count: held.tags,
      nameOf: tagOf,
      more: { name: repository },
    });
  if (what === 'manifests') return manifest(response, method, repository, last);
  const blob = BLOBS.find(({ digest }) => digest === last);
  return blob ? send(response, method, 'blob', blob.bytes, { 'docker-content-digest': last }) : missing(response, method, 'BLOB_UNKNOWN');
}

function list(response, asked, { path, field, count, nameOf, more = {} }) {
  const limit = Number(asked.get('n') ?? 1000);
  const last = asked.get('last');
  // Names end in their number, and sort by it.
  const from = last === null ? 0 : Number(/\d+$/.exec(last)[0]) + 1;
  const names = Array.from({ length: Math.max(0, Math.min(limit, count - from)) }, (_, at) => nameOf(from + at));
  const next = from + limit < count ? { link: `<${path}?last=${encodeURIComponent(names.at(-1))}&n=${limit}>; rel="next"` } : {};
  return send(response, 'GET', 'list', JSON.stringify({ ...more, [field]: names }), { 'content-type': 'application/json', ...next });
}

function manifest(response, method, repository, reference) {
  const tag = reference.startsWith('sha256:')
    ? tagWith(repository, reference)
    : /^v\d{3}$/.test(reference) && Number(reference.slice(1)) < held.tags && reference;
  if (!tag) return missing(response, method, 'MANIFEST_UNKNOWN');
  const body = manifestOf(`${repository}:${tag}`);
  return send(response, method, 'manifest', body, { 'content-type': MANIFEST, 'docker-content-digest': digestOf(body) });
}

/** A digest tells nothing of its tag: the repository's are made until one is it. */
function tagWith(repository, digest) {
  return Array.from({ length: held.tags }, (_, at) => tagOf(at)).find((tag) => digestOf(manifestOf(`${repository}:${tag}`)) === digest);
}

function send(response, method, what, body, headers = {}) {
  count(method, what);
  response.writeHead(200, { 'content-length': Buffer.byteLength(body), ...headers });
  response.end(method === 'HEAD' ? undefined : body);
}

/** As Distribution answers for what it has no route, such as referrers. */
function unknown(response) {
  count('GET', 'unknown');
  response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found\n');
}

function missing(response, method, code) {
  count(method, 'missing');
  const body = JSON.stringify({ errors: [{ code, message: 'there is none' }] });
  response.writeHead(404, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) });
  response.end(method === 'HEAD' ? undefined : body);
}

function count(method, what) {
  const name = `${method} ${what}`;
  counted[name] = (counted[name] ?? 0) + 1;
}
