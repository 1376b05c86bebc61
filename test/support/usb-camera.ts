import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { chmod, copyFile, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const SOURCES = ['calls.c', 'camera.c', 'modes.c'].map(
  (name) => `test/support/v4l2-device/${name}`,
);
const COMPILE = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC'];
/** Where everybody may make files that the runtime takes for devices. */
const DEVICES = '/dev/shm';
/** Of the size that the stand-in offers as MJPEG. */
const PICTURE = 'samples/images/street/walkway-00.jpg';

/** Whether USB cameras can be stood in for here: Linux, a C compiler, /dev/shm. In CI they can. */
export function hasUsbCameras(): boolean {
  const problem = whyNot();
  if (problem !== undefined && process.env['CI'] !== undefined) throw new Error(problem);
  if (problem !== undefined) process.stderr.write(`no USB cameras in tests: ${problem}\n`);
  return problem === undefined;
}

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return `V4L2 is Linux', this is ${process.platform}`;
  if (spawnSync('cc', ['--version']).status !== 0) return 'cc is missing: apt-get install gcc';
  try {
    accessSync(DEVICES, constants.W_OK);
  } catch {
    return `${DEVICES} is missing or may not be written`;
  }
  return undefined;
}

/**
 * For `sh -c`, in a mount namespace of its own (`unshare -m`): makes a machine in which the camera is
 * `/dev/video0`, by way of the folder $0, and runs its arguments there.
 */
export const USB_MACHINE = `set -e
dev=$0
mount -t tmpfs dev $dev
for name in null zero full random urandom; do touch $dev/$name; mount --bind /dev/$name $dev/$name; done
ln -s /proc/self/fd $dev/fd
touch $dev/video0
mount --move $dev /dev
mount -t tmpfs sys /sys
mkdir -p /sys/class/video4linux/video0 /sys/dev/char/81:0
echo 'Vedette test camera' > /sys/class/video4linux/video0/name
echo 'DEVNAME=video0' > /sys/dev/char/81:0/uevent
exec "$@"`;

/** What is wrong with every frame: marked as damaged, cut in half, or it never comes. */
export type UsbFault = 'damaged' | 'short' | 'silent';

/**
 * A USB camera for the programs in `programs`: in them a preloaded library stands for the kernel's
 * V4L2 (test/support/v4l2-device). It offers YUYV of 640×480 (30, 15 frames/s) and 320×240 (120, 30, 5), and MJPEG
 * of 768×576 (60, 30). Luma of YUYV frame n is 16 + (x + 2y + 3n) mod 220, its chroma 100 and 150.
 */
export class UsbCamera {
  /** Stands for /dev: `video0` and so on, with `by-id`, a link that follows the camera. */
  readonly folder: string;
  /** ffmpeg that sees the camera. */
  readonly ffmpegPath: string;
  readonly #programs: string;
  #node: string | undefined;

  /** Plugged in as `video0`. `devices` is where its nodes are. */
  static async start(devices?: string): Promise<UsbCamera> {
    const programs = await mkdtemp(path.join(tmpdir(), 'vedette-v4l2-'));
    const library = path.join(programs, 'v4l2-device.so');
    execFileSync('cc', [...COMPILE, '-o', library, ...SOURCES, '-ldl', '-pthread']);
    const folder = await mkdtemp(path.join(DEVICES, 'vedette-usb-'));
    const camera = new UsbCamera(programs, folder);
    await camera.#wrap('ffmpeg', devices ?? folder);
    await camera.#wrap('v4l2-ctl', devices ?? folder);
    await copyFile(PICTURE, path.join(folder, '768x576.jpg'));
    await camera.plug('video0');
    return camera;
  }

  private constructor(programs: string, folder: string) {
    this.#programs = programs;
    this.folder = folder;
    this.ffmpegPath = path.join(programs, 'ffmpeg');
  }

  /** Folder of the wrapped programs `ffmpeg` and `v4l2-ctl`. */
  get programs(): string {
    return this.#programs;
  }

  /** Its name that stays the same wherever it is plugged in. */
  get link(): string {
    return path.join(this.folder, 'by-id');
  }

  async #wrap(program: string, devices: string): Promise<void> {
    const file = path.join(this.#programs, program);
    const library = path.join(this.#programs, 'v4l2-device.so');
    // Without the folder of this file, which would be found again.
    await writeFile(
      file,
      `#!/bin/sh
PATH=$(printf %s "$PATH" | sed 's|${this.#programs}:||g')
export LD_PRELOAD=${library} VEDETTE_V4L2_FOLDER=${devices}
exec ${program} "$@"
`,
    );
    await chmod(file, 0o755);
  }

  /** Into the port whose node has this name. The link is there when the node is. */
  async plug(name: string): Promise<void> {
    this.#node = path.join(this.folder, name);
    await writeFile(this.#node, '');
    await symlink(name, this.link);
  }

  /** Link and node go away; who has it open is told. */
  async unplug(): Promise<void> {
    await rm(this.link);
    await rm(this.#node!);
    this.#node = undefined;
  }

  /** From now on, of who streams now and later; `undefined`: it is well again. */
  async fault(fault: UsbFault | undefined): Promise<void> {
    const file = path.join(this.folder, 'fault');
    if (fault === undefined) return rm(file, { force: true });
    await writeFile(`${file}.new`, fault);
    await rename(`${file}.new`, file);
  }

  async close(): Promise<void> {
    await rm(this.folder, { recursive: true });
    await rm(this.#programs, { recursive: true });
  }
}
