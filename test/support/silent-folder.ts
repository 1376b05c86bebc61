import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Whether a file system can be mounted here that stops answering. In CI it must. */
export function hasSilentFolders(): boolean {
  const isThere = existsSync('/dev/fuse') && spawnSync('bindfs', ['--version']).status === 0;
  if (!isThere && process.env['CI'] !== undefined) {
    throw new Error('bindfs or /dev/fuse is missing: apt-get install bindfs');
  }
  return isThere;
}

/** A folder on a real file system whose server, a process, can be stopped: then its calls hang. */
export class SilentFolder {
  /** Where it is mounted. */
  readonly path: string;
  readonly #folder: string;
  readonly #server: ChildProcess;

  static async mount(): Promise<SilentFolder> {
    const folder = await mkdtemp(path.join(tmpdir(), 'vedette-share-'));
    const [behind, mounted] = [path.join(folder, 'behind'), path.join(folder, 'share')];
    await Promise.all([mkdir(behind), mkdir(mounted)]);
    const server = spawn('bindfs', ['-f', behind, mounted], { stdio: 'inherit' });
    while (!readFileSync('/proc/mounts', 'utf8').includes(` ${mounted} `)) {
      if (server.exitCode !== null) throw new Error(`bindfs ended with ${server.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return new SilentFolder(folder, mounted, server);
  }

  private constructor(folder: string, mounted: string, server: ChildProcess) {
    this.#folder = folder;
    this.path = mounted;
    this.#server = server;
  }

  /** Behind the mount, which never hangs. */
  behind(name: string): string {
    return path.join(this.#folder, 'behind', name);
  }

  fallSilent(): void {
    this.#server.kill('SIGSTOP');
  }

  answer(): void {
    this.#server.kill('SIGCONT');
  }

  async close(): Promise<void> {
    this.answer();
    const closed = once(this.#server, 'close');
    spawnSync('umount', [this.path]);
    this.#server.kill('SIGTERM');
    await closed;
    await rm(this.#folder, { recursive: true });
  }
}
