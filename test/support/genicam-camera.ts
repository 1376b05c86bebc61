import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

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

/**
 * Aravis' own GigE Vision camera at 127.0.0.1, with an input `Line1`; there is one at a time on a
 * machine. See genicam-camera.py.
 */
export class GenicamStandIn {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  static async start(serialNumber: string): Promise<GenicamStandIn> {
    const child = spawn(
      PYTHON,
      [path.join(import.meta.dirname, 'genicam-camera.py'), serialNumber],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    );
    const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
    const ready = await answers.next();
    if (ready.value !== 'ready') throw new Error('no GenICam camera');
    return new GenicamStandIn(child, answers);
  }

  private constructor(child: ChildProcess, answers: AsyncIterator<string>) {
    this.#child = child;
    this.#answers = answers;
  }

  /** One at its input `Line1`. */
  async pulse(): Promise<void> {
    await this.#ask('pulse');
  }

  /** Takes the control from who has it, as another program may. */
  async release(): Promise<void> {
    await this.#ask('release');
  }

  /** Drops so many of the packets that pictures are sent in: a share from 0 to 1. */
  async losePackets(share: number): Promise<void> {
    await this.#ask(`lose ${share}`);
  }

  /** What it is set to, as it has it itself. */
  registers(): Promise<Record<string, number>> {
    return this.#ask('registers');
  }

  async #ask(command: string): Promise<Record<string, number>> {
    this.#child.stdin!.write(`${command}\n`);
    const { value } = await this.#answers.next();
    return JSON.parse(value as string) as Record<string, number>;
  }

  /** Ends it at once, as a pulled cable would. */
  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGKILL');
    await closed;
  }
}
