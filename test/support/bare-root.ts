import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { downloadDebianPackages } from '../../scripts/setup/debian-download.mjs';
import { logFile, targetOf } from '../../scripts/package/target.ts';

const target = targetOf(process.arch === 'x64' ? 'linux/amd64' : 'linux/arm64');
/** All that an artifact may take from a system. */
const LIBRARIES =
  'libc.so.6 libm.so.6 libdl.so.2 libpthread.so.0 librt.so.1 libresolv.so.2 libgcc_s.so.1 libstdc++.so.6';
const LOADER = process.arch === 'x64' ? 'lib64/ld-linux-x86-64.so.2' : 'lib/ld-linux-aarch64.so.1';
/** What the launcher and the recipe's scripts call; it stands on every Linux. */
const TOOLS = 'sh dirname readlink cat tr grep sleep date id';
/** The same as Debian packages: those of a base system that hold it, and what their tools are linked to. */
const PACKAGES =
  'libc6 libgcc-s1 libstdc++6 libcrypt1 dash coreutils libselinux1 libacl1 libattr1 libgmp10';
/** Nobody on this machine. */
const USER = 10_001;

/**
 * A system with nothing but a C library, `sh` and a few tools, read-only but for `/data`, in which a
 * user without rights runs an unpacked artifact. Needs root.
 */
export class BareRoot {
  readonly #root: string;

  /** Of this machine's own libraries. */
  static ofHost(): BareRoot {
    const root = mkdtempSync(path.join(tmpdir(), 'vedette-bare-'));
    const place = (file: string, to: string) => {
      mkdirSync(path.dirname(path.join(root, to)), { recursive: true });
      copyFileSync(realpathSync(file), path.join(root, to));
    };
    const folders = [
      `/lib/${target.triplet}`,
      `/usr/lib/${target.triplet}`,
      '/lib64',
      '/usr/lib64',
    ];
    for (const name of LIBRARIES.split(' ')) {
      const found = folders.map((folder) => path.join(folder, name)).find(existsSync);
      if (found === undefined) throw new Error(`this machine has no ${name}`);
      place(found, `lib/${target.triplet}/${name}`);
    }
    place(`/${LOADER}`, LOADER);
    for (const tool of TOOLS.split(' ')) {
      const file = execFileSync('sh', ['-c', `command -v ${tool}`], { encoding: 'utf8' }).trim();
      place(file, `bin/${tool}`);
    }
    return new BareRoot(root);
  }

  /** Of a release of Debian, downloaded. */
  static async ofDebian(suite: string): Promise<BareRoot> {
    const root = mkdtempSync(path.join(tmpdir(), `vedette-${suite}-`));
    const pcre = suite === 'bullseye' ? 'libpcre2-8-0 libpcre3' : 'libpcre2-8-0';
    await downloadDebianPackages({
      arch: target.debianArch,
      suite,
      names: `${PACKAGES} ${pcre}`.split(' '),
      into: path.join(root, 'system'),
      logFile: logFile(`bare-${suite}`),
    });
    return new BareRoot(path.join(root, 'system'), root);
  }

  readonly #folder: string;

  private constructor(root: string, folder = root) {
    this.#root = root;
    this.#folder = folder;
    for (const one of [root, folder]) chmodSync(one, 0o755);
    for (const name of ['proc', 'dev', 'data', 'artifacts', 'samples']) {
      mkdirSync(path.join(root, name), { recursive: true });
    }
    const devices = { null: ['1', '3'], zero: ['1', '5'], urandom: ['1', '9'] };
    for (const [name, numbers] of Object.entries(devices)) {
      execFileSync('mknod', ['-m', '666', path.join(root, 'dev', name), 'c', ...numbers]);
    }
  }

  /** Whether this process may do all that; a container often may not. */
  static isPossible(): boolean {
    try {
      execFileSync('unshare', ['--mount', 'mount', '--bind', '/tmp', '/tmp'], { stdio: 'ignore' });
      return process.getuid?.() === 0;
    } catch {
      return false;
    }
  }

  /**
   * A command for `RuntimeProcess` that runs `program` in it. Mounts are those of the process and gone
   * with it.
   * @param artifacts folder below which artifacts are unpacked, seen as `/artifacts`
   */
  program(artifacts: string, samples: string, program: string): readonly [string, ...string[]] {
    const mounts = [
      'mount --make-rprivate /',
      `mount --bind '${this.#root}' '${this.#root}'`,
      `mount --rbind /proc '${this.#root}/proc'`,
      `mount --bind '${artifacts}' '${this.#root}/artifacts'`,
      `mount --bind '${samples}' '${this.#root}/samples'`,
      `mount -t tmpfs -o mode=700,uid=${USER},gid=${USER} data '${this.#root}/data'`,
      `mount -o remount,ro,bind '${this.#root}'`,
      `exec chroot --userspec=${USER}:${USER} --groups= '${this.#root}' '${program}' "$@"`,
    ].join(' && ');
    return ['unshare', '--mount', 'sh', '-c', mounts, 'sh'];
  }

  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
