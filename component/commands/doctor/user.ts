import { readFile } from 'node:fs/promises';
import type { Stats } from 'node:fs';

/** A user as the kernel sees a process of it. */
export interface User {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups and `gid`. */
  readonly groups: readonly number[];
  readonly name: string;
}

/** Whom a process runs as; nothing when the process is gone. */
export async function userOfProcess(processId: number): Promise<User | undefined> {
  let status: string;
  try {
    status = await readFile(`/proc/${processId}/status`, 'utf8');
  } catch {
    return undefined;
  }
  // Real, effective, saved, file system (proc_pid_status(5)): access is judged by the last.
  const numbers = (key: string) =>
    (new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean);
  const [uid = 0, gid = 0] = [numbers('Uid')[3], numbers('Gid')[3]].map(Number);
  return {
    uid,
    gid,
    groups: [...new Set([gid, ...numbers('Groups').map(Number)])],
    name: await nameOf(uid),
  };
}

/** A user of whom no process runs, with the groups that the local files give. */
export async function userOfNumbers(uid: number, gid: number): Promise<User> {
  const name = await nameOf(uid);
  const groups = (await linesOf('/etc/group')).flatMap(([, , number = '', members = '']) =>
    members.split(',').includes(name) ? [Number(number)] : [],
  );
  return { uid, gid, groups: [...new Set([gid, ...groups])], name };
}

/** Groups of this machine by name. Of a directory service only what its local file repeats. */
export async function groupNumbers(): Promise<ReadonlyMap<string, number>> {
  return numbersIn('/etc/group');
}

async function nameOf(uid: number): Promise<string> {
  const users = await numbersIn('/etc/passwd');
  return [...users].find(([, number]) => number === uid)?.[0] ?? `user ${uid}`;
}

/** Names and numbers, which passwd(5) and group(5) have at the same places. */
async function numbersIn(file: string): Promise<ReadonlyMap<string, number>> {
  const lines = await linesOf(file);
  return new Map(lines.flatMap(([name, , number]) => (name && number ? [[name, +number]] : [])));
}

async function linesOf(file: string): Promise<string[][]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').map((line) => line.split(':'));
}

export interface Access {
  readonly read?: boolean;
  readonly write?: boolean;
  readonly enter?: boolean;
}

/** Whether permissions let a user do this. Access control lists beyond them are not looked at. */
export function may({ uid, groups }: User, { mode, ...file }: Stats, access: Access): boolean {
  if (uid === 0) return true;
  const shift = file.uid === uid ? 6 : groups.includes(file.gid) ? 3 : 0;
  const wanted = (access.read ? 4 : 0) | (access.write ? 2 : 0) | (access.enter ? 1 : 0);
  return ((mode >> shift) & wanted) === wanted;
}
