import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

/** A file that the page loads; its address changes with its content. */
export interface Asset {
  readonly path: string;
  readonly type: string;
  readonly content: Buffer;
}

/** What a page loads; what was not built is absent, and the page goes without. */
export interface Assets {
  readonly script?: Asset;
  readonly style?: Asset;
  readonly icon?: Asset;
}

const YEAR_SECONDS = 365 * 86_400;
/** Where the build puts them: `dist/dashboard`, as seen from dist and from the sources. */
const FOLDERS = ['../../../../dashboard/', '../../../../dist/dashboard/'];

/** Reads what the build has made for browsers. */
export function readAssets(): Assets {
  const entries = [
    ['script', 'app.js', 'text/javascript; charset=utf-8'],
    ['style', 'app.css', 'text/css; charset=utf-8'],
    ['icon', 'icon.svg', 'image/svg+xml'],
  ] as const;
  return Object.fromEntries(entries.flatMap(([key, file, type]) => assetsIn(file, type).map((asset) => [key, asset])));
}

function assetsIn(file: string, type: string): Asset[] {
  const found = FOLDERS.map((folder) => fileURLToPath(new URL(folder + file, import.meta.url))).find((path) => existsSync(path));
  if (found === undefined) return [];
  const content = readFileSync(found);
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 16);
  return [{ path: `/assets/${file.replace('.', `-${hash}.`)}`, type, content }];
}

/** `/assets/…`: code and looks, which are no secret: also for who has yet to sign in. */
export function assetRoutes(server: FastifyInstance, assets: Assets): void {
  for (const { path, type, content } of Object.values(assets) as Asset[]) {
    server.get(path, (_request, reply) => {
      void reply.type(type).header('cache-control', `public, max-age=${YEAR_SECONDS}, immutable`).send(content);
    });
  }
}
