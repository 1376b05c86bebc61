import { readFile } from 'node:fs/promises';
import { runProgram } from '../../camera/run-program.ts';
import type { SupportBundle } from './bundle.ts';

const MAX_BYTES = 2 ** 18;
const FILES: Readonly<Record<string, string>> = {
  'os-release': '/etc/os-release',
  meminfo: '/proc/meminfo',
  cpuinfo: '/proc/cpuinfo',
  mounts: '/proc/mounts',
  loadavg: '/proc/loadavg',
  version: '/proc/version',
  pressure: '/proc/pressure/memory',
};
/** Names of processes only: their arguments may hold what is nobody's business. */
const PROGRAMS: Readonly<Record<string, readonly [string, ...string[]]>> = {
  df: ['df', '-hT'],
  inodes: ['df', '-i'],
  processes: ['ps', '-eo', 'pid,ppid,user,rss,pcpu,etimes,comm', '--sort=-rss'],
  sockets: ['ss', '-ltn'],
  devices: ['ls', '-l', '/dev'],
};

/** The machine around the runtime. */
export async function addMachineFiles(bundle: SupportBundle): Promise<void> {
  for (const [name, file] of Object.entries(FILES)) {
    try {
      bundle.add(`machine/${name}`, (await readFile(file, 'utf8')).slice(0, MAX_BYTES));
    } catch (error) {
      bundle.miss(file, String((error as NodeJS.ErrnoException).code ?? error));
    }
  }
  for (const [name, [program, ...args]] of Object.entries(PROGRAMS)) {
    const end = await runProgram(program, args);
    if ('failure' in end) bundle.miss(`machine/${name}`, `${program}: ${end.failure}`);
    else bundle.add(`machine/${name}`, end.stdout.slice(0, MAX_BYTES));
  }
}
