import { readFile } from 'node:fs/promises';

/** A process that no other can be taken for: pids are used again, start times of one boot are not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** In clock ticks since boot; empty where the system does not tell. */
  readonly startTime: string;
}

/** Who we are. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  return { pid: process.pid, startTime: (await startTimeOf(process.pid)) ?? '' };
}

/** The identity of a running process, such as a server that we started. */
export async function identityOf(pid: number): Promise<ProcessIdentity> {
  return { pid, startTime: (await startTimeOf(pid)) ?? '' };
}

/** Says whether the very process that is meant still runs. */
export async function isRunning(identity: ProcessIdentity): Promise<boolean> {
  if (!exists(identity.pid)) return false;
  const startTime = await startTimeOf(identity.pid);
  return startTime === undefined || identity.startTime === '' || startTime === identity.startTime;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, and not ours.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Field 22 of /proc/<pid>/stat. A zombie counts as gone. */
async function startTimeOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  // The second field is the program's name, in parentheses, with any characters in it.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields?.[0] === 'Z' ? 'zombie' : fields?.[19];
}
