import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const PYTHON = '/usr/bin/python3';

/** Whether gst-launch-1.0 can run here. In CI it must. */
export const hasGstreamer = () => isThere('gstreamer1.0-tools', 'gst-launch-1.0', ['--version']);

/** Whether a GenICam camera can be had here. In CI it must. */
export const hasGenicamCamera = () =>
  hasGstreamer() &&
  isThere('aravis-tools-cli', 'arv-tool-0.8', ['--version']) &&
  isThere('gir1.2-aravis-0.8 and libaravis-0.8-0', PYTHON, [
    '-c',
    'import gi; gi.require_version("Aravis", "0.8"); from gi.repository import Aravis',
  ]);

function isThere(packages: string, program: string, programArguments: string[]): boolean {
  const hasRun = spawnSync(program, programArguments).status === 0;
  if (!hasRun && process.env['CI'] !== undefined) throw new Error(`apt-get install ${packages}`);
  return hasRun;
}

/** Aravis' own GigE Vision camera at 127.0.0.1; there is one at a time on a machine. */
export class GenicamCamera {
  readonly #child: ChildProcess;

  static async start(serialNumber: string): Promise<GenicamCamera> {
    const child = spawn(
      PYTHON,
      [path.join(import.meta.dirname, 'genicam-camera.py'), serialNumber],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const [ready] = (await Promise.race([once(child.stdout, 'data'), once(child, 'close')])) as [
      unknown,
    ];
    if (String(ready).trim() !== 'ready') throw new Error(`no GenICam camera: ${String(ready)}`);
    return new GenicamCamera(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Ends it at once, as a pulled cable would. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
