import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isProgram, run } from '../parts/command.mjs';
import { cacheBin, root } from '../parts/cache.mjs';

/*
 * The tools that are compared, each used as its documentation says for a copy of whole repositories. `start(job)` writes what the tool
 * needs into `job.folder` and gives its command; a job is `{ primary, secondary, repositories, folder, depth? }` with addresses as host:port.
 */
const program = (name) => join(cacheBin, name);

export const TOOLS = [
  {
    name: 'twinport',
    ours: true,
    version: () => run(process.execPath, [join(root, 'dist/src/processes/cli/main.js'), '--version']),
    async start({ primary, secondary, folder, depth = 'auto' }) {
      const main = join(root, 'dist/src/processes/cli/main.js');
      const sites = ['--primary', `http://${primary}`, '--secondary', `http://${secondary}`];
      return { command: process.execPath, args: [main, 'sync', ...sites, '--verify', depth, '--json'], cwd: folder };
    },
  },
  {
    name: 'skopeo',
    program: program('skopeo'),
    version: () => run(program('skopeo'), ['--version']),
    /** All repositories in one file; the same digests at the secondary are left as they are. */
    async start({ primary, secondary, repositories, folder }) {
      const images = repositories.map((name) => `    ${name}: []`).join('\n');
      await writeFile(join(folder, 'skopeo.yaml'), `${primary}:\n  tls-verify: false\n  images:\n${images}\n`);
      const args = ['sync', '--src', 'yaml', '--dest', 'docker', '--dest-tls-verify=false', '--all', '--preserve-digests', 'skopeo.yaml'];
      const namespace = repositories[0].split('/').slice(0, -1).join('/');
      return { command: program('skopeo'), args: [...args, `${secondary}/${namespace}`], cwd: folder };
    },
  },
  {
    name: 'crane',
    program: program('crane'),
    version: () => run(program('crane'), ['version']),
    /** One repository after the other; `--no-clobber`, so that what is there by name is not asked again. */
    async start({ primary, secondary, repositories, folder }) {
      const each = `set -e; for name in ${repositories.join(' ')}; do "$0" copy --all-tags --no-clobber ${primary}/$name ${secondary}/$name; done`;
      return { command: 'bash', args: ['-c', each, program('crane')], cwd: folder };
    },
  },
  {
    name: 'regsync',
    program: program('regsync'),
    version: () => run(program('regsync'), ['version']),
    async start({ primary, secondary, repositories, folder }) {
      const hosts = [primary, secondary].map((host) => ({ registry: host, tls: 'disabled' }));
      const sync = repositories.map((name) => ({ source: `${primary}/${name}`, target: `${secondary}/${name}`, type: 'repository' }));
      await writeFile(join(folder, 'regsync.yml'), JSON.stringify({ version: 1, creds: hosts, defaults: { parallel: PARALLEL }, sync }));
      return { command: program('regsync'), args: ['once', '--config', 'regsync.yml'], cwd: folder };
    },
  },
];

/** As many entries at a time as Twinport works on repositories. */
const PARALLEL = 8;

/** The tools that are installed, with their versions; the others are named. */
export async function availableTools(say) {
  const found = [];
  for (const tool of TOOLS) {
    if (tool.program !== undefined && !isProgram(tool.program)) {
      say(`${tool.name} is not installed: left out`);
      continue;
    }
    const { output } = await tool.version();
    found.push({ ...tool, said: /v?\d+\.\d+(?:\.\d+)?/.exec(output)?.[0] ?? 'unknown' });
  }
  return found;
}
