import { run } from './command.mjs';

const isRoot = process.getuid?.() === 0;
let line = Promise.resolve();
let updated;

/** Runs apt-get, one at a time: it does not wait for its own locks. Fetches the package lists, once, where that helps. */
export function apt(args, options) {
  const turn = line.then(() => aptNow(args, options));
  line = turn.catch(() => undefined);
  return turn;
}

/** Installs a package; needs root. */
export async function aptInstall(name) {
  if (!isRoot) throw new Error(`needs root: \`sudo apt-get install ${name}\``);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  await apt(['install', '-y', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120', name], { env });
}

async function aptNow(args, options) {
  const first = await run('apt-get', args, options);
  if (first.code === 0) return;
  if (first.code === 127) throw new Error('this system has no apt-get');
  if (!isRoot) throw new Error(`${said(args, first)} (the package lists may be missing: \`sudo apt-get update\`)`);
  updated ??= run('apt-get', ['update']);
  const lists = await updated;
  if (lists.code !== 0) throw new Error(said(['update'], lists));
  const second = await run('apt-get', args, options);
  if (second.code !== 0) throw new Error(said(args, second));
}

function said(args, { code, output }) {
  return `\`apt-get ${args.join(' ')}\` ended with ${code}: ${output.split('\n').slice(-2).join(' / ')}`;
}
