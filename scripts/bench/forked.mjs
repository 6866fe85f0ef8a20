import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Runs a script beside this one as a process of its own, which says its port to what it is `asked`. */
export async function forked(script, asked, ends) {
  const child = fork(fileURLToPath(new URL(script, import.meta.url)));
  const ask = (message) => {
    const answer = new Promise((resolve) => child.once('message', resolve));
    child.send(message);
    return answer;
  };
  const close = () => child.connected && child.disconnect();
  ends.push(close);
  const { port } = await ask(asked);
  return { host: `127.0.0.1:${port}`, url: `http://127.0.0.1:${port}`, pid: child.pid, close, ask, counts: () => ask('counts') };
}
