import { randomUUID } from 'node:crypto';
import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

const RANDOM_CHARACTERS = 8;

/**
 * Who carries a roll-out on: `<host>/<pid>/<where the pid means something>/<random>`. Containers named
 * alike, with the same pid, are two owners; so are two roll-outs of one process.
 */
export async function newLeaseOwner(): Promise<string> {
  const random = randomUUID().slice(0, RANDOM_CHARACTERS);
  return [hostname(), process.pid, await pidSpace(), random].join('/');
}

/** For people. */
export const leaseHolderName = (owner: string): string => owner.split('/').slice(0, 2).join('/');

/**
 * Whether it was a process of this machine, and this container, that has ended: nobody has to wait for
 * its lease.
 */
export async function isLeaseOwnerGone(owner: string): Promise<boolean> {
  const [, pid, space] = owner.split('/');
  if (!space || space !== (await pidSpace())) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/**
 * Within which a pid names one process: this run of the kernel, and the pid namespace of the container.
 * Empty where the system does not say, so that leases end by their time alone.
 */
async function pidSpace(): Promise<string> {
  try {
    const [boot, space] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readlink('/proc/self/ns/pid'),
    ]);
    return `${boot.trim()}.${space.replaceAll(/\D/g, '')}`;
  } catch {
    return '';
  }
}
