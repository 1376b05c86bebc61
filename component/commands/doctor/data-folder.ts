import { link, mkdtemp, readFile, readdir, realpath, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { CheckResults, type Check, type CheckResult } from './check.ts';
import type { Subject } from './subject.ts';
import { may } from './user.ts';

const results = new CheckResults('data folder');
/** What is in memory is gone after a boot, and what is on a network is no place for SQLite. */
const IN_MEMORY = new Set(['tmpfs', 'ramfs']);
const ON_NETWORK = /^(nfs\d?|cifs|smb3?|9p|fuse\.(sshfs|s3fs.*|mount-s3))$/;

/** Whether the runtime can write there, and whether what it writes will stay. */
export const checkDataFolder: Check = async (subject) => {
  const { config, user, isOwnUser } = subject;
  const folder = path.resolve(config.dataFolder);
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => error.code ?? '');
  if (found === 'ENOENT') return [results.skipped(`${folder} is not there yet: nothing ran`)];
  if (typeof found === 'string' || !found.isDirectory()) {
    const why = typeof found === 'string' ? found : 'it is no folder';
    return [results.fault(`${folder} cannot be used: ${why}`, 'Set dataFolder to a folder.')];
  }
  const fileSystem = await fileSystemOf(await realpath(folder));
  const problem = isOwnUser
    ? await tryToWrite(folder)
    : may(user, found, { read: true, write: true, enter: true })
      ? undefined
      : 'its permissions do not let it write';
  if (problem !== undefined) {
    const says = `${user.name} cannot use ${folder}: ${problem}`;
    const remedy = `chown -R ${user.name} ${folder}, and mount its file system for writing.`;
    return [results.fault(says, remedy, { fileSystem })];
  }
  return [...(await foreignFiles(folder, subject)), ofFileSystem(folder, fileSystem)];
};

function ofFileSystem(folder: string, type: string): CheckResult {
  const facts = { fileSystem: type };
  const says = `${folder} is on ${type}`;
  const remedy = 'Set dataFolder to a folder on a local disk.';
  if (IN_MEMORY.has(type)) return results.warning(`${says}: a boot empties it`, remedy, facts);
  if (ON_NETWORK.test(type)) {
    return results.fault(`${says}, where SQLite cannot keep a database safe`, remedy, facts);
  }
  return results.ok(`${says} and can be written`, facts);
}

/** Who ran a command with sudo may have left files that the runtime cannot change. */
async function foreignFiles(folder: string, { user }: Subject): Promise<CheckResult[]> {
  const foreign: string[] = [];
  for (const name of await readdir(folder).catch(() => [])) {
    const found = await stat(path.join(folder, name)).catch(() => undefined);
    if (found && !may(user, found, { read: true, write: true })) foreign.push(name);
  }
  if (foreign.length === 0) return [];
  const says = `${user.name} may not change ${foreign.join(', ')} in ${folder}`;
  return [results.fault(says, `chown -R ${user.name} ${folder}`, { files: foreign })];
}

/** As a write does it: a file, synced, under a second name. Installed models need hard links. */
async function tryToWrite(folder: string): Promise<string | undefined> {
  let scratch: string | undefined;
  try {
    scratch = await mkdtemp(path.join(folder, 'doctor-'));
    const file = path.join(scratch, 'file');
    await writeFile(file, 'doctor');
    await link(file, `${file}-2`);
    return undefined;
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    return `${syscall} fails with ${code}`;
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

/** Type of the mount that holds a path (proc_pid_mountinfo(5)): the longest mount point above it. */
async function fileSystemOf(folder: string): Promise<string> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  let best = { point: '', type: 'an unknown file system' };
  for (const line of text.split('\n')) {
    const [mount = '', rest = ''] = line.split(' - ');
    const point = (mount.split(' ')[4] ?? '').replaceAll('\\040', ' ');
    const isAbove = folder === point || folder.startsWith(point === '/' ? '/' : `${point}/`);
    if (point !== '' && isAbove && point.length >= best.point.length) {
      best = { point, type: rest.split(' ')[0] ?? '' };
    }
  }
  return best.type;
}
