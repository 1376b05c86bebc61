import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { VedetteError } from '../contract/errors.ts';
import type { GpioLineConfig } from '../contract/field-device-config.ts';
import { tiedProgram } from './tied-program.ts';

/** The programs of libgpiod: of 1.x (Debian 12, Ubuntu 24.04) and 2.x take other arguments. */
export interface GpioPrograms {
  readonly isVersion2: boolean;
}

const VERSION_TIMEOUT_MS = 5000;
/** A program that could not get its line has ended by then. */
const SETTLED_MS = 50;
const KILL_AFTER_MS = 1000;
const MAX_SAID = 300;

/** @throws VedetteError FIELD_DEVICE_OFFLINE when they are not on the search path */
export async function findGpioPrograms(): Promise<GpioPrograms> {
  try {
    const { stdout } = await promisify(execFile)('gpioset', ['--version'], {
      timeout: VERSION_TIMEOUT_MS,
    });
    return { isVersion2: /\bv?2\.\d/.test(stdout.split('\n')[0] ?? '') };
  } catch (cause) {
    const why = (cause as Error).message;
    const message = `libgpiod's programs (Debian's package gpiod) cannot be run: ${why}`;
    throw new VedetteError('FIELD_DEVICE_OFFLINE', message, { cause });
  }
}

/** Arguments of a program that tells both edges, as `0` or `1` for the level after each. */
export function monitorArguments(
  { chip, line, isActiveLow, bias }: GpioLineConfig,
  { isVersion2 }: GpioPrograms,
): string[] {
  const low = isActiveLow ? ['--active-low'] : [];
  const pull = bias === 'as-is' ? [] : [`--bias=${biasWord(bias, isVersion2)}`];
  return isVersion2
    ? ['--chip', chip, '--edges', 'both', '--format', '%e', ...low, ...pull, String(line)]
    : ['--line-buffered', '--format=%e', ...low, ...pull, chip, String(line)];
}

/** Arguments of a program that sets a line and holds it for as long as it runs. */
export function setArguments(
  { chip, line, isActiveLow, bias }: GpioLineConfig,
  value: number,
  { isVersion2 }: GpioPrograms,
): string[] {
  const low = isActiveLow ? ['--active-low'] : [];
  const pull = bias === 'as-is' ? [] : [`--bias=${biasWord(bias, isVersion2)}`];
  const set = `${line}=${value}`;
  return isVersion2
    ? ['--chip', chip, ...low, ...pull, set]
    : ['--mode=signal', ...low, ...pull, chip, set];
}

const biasWord = (bias: GpioLineConfig['bias'], isVersion2: boolean): string =>
  bias === 'disabled' && !isVersion2 ? 'disable' : bias;

/** The level after an edge: 1.x says 0 for falling, 2.x says 2; both say 1 for rising. */
export const levelOf = (said: string): 0 | 1 | undefined => {
  const word = said.trim();
  return word === '1' ? 1 : word === '0' || word === '2' ? 0 : undefined;
};

/**
 * A running program of libgpiod, which holds its line. It ends with this process, also when this process is
 * killed: else it would hold the line, and the level on it, against the process that comes after.
 */
export class GpioProgram {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #failure: VedetteError | undefined;

  private constructor(child: ChildProcess, what: string) {
    this.#child = child;
    let said = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(0, MAX_SAID);
    });
    this.#ended = new Promise((resolve) => {
      const end = (why: string, wasKilled: boolean) => {
        const details = { wasKilled };
        this.#failure ??= new VedetteError('FIELD_DEVICE_OFFLINE', `${what}: ${why}`, { details });
        resolve();
      };
      child.once('error', (error) => end(error.message, false));
      child.once('close', (code, signal) =>
        end(said.trim() || `it ended with ${signal ?? code}`, signal !== null),
      );
    });
  }

  /** Runs when it has its line, as far as can be seen. @throws VedetteError FIELD_DEVICE_OFFLINE */
  static async start(
    file: string,
    given: readonly string[],
    onLine: (line: string) => void = () => {},
  ): Promise<GpioProgram> {
    const tied = tiedProgram(file, given);
    const child = spawn(tied.file, tied.arguments, { stdio: ['ignore', 'pipe', 'pipe'] });
    createInterface({ input: child.stdout }).on('line', onLine);
    const program = new GpioProgram(child, [file, ...given].join(' '));
    let timer: NodeJS.Timeout | undefined;
    const settled = new Promise<void>((resolve) => (timer = setTimeout(resolve, SETTLED_MS)));
    await Promise.race([program.#ended, settled]);
    clearTimeout(timer);
    if (program.#failure) throw program.#failure;
    return program;
  }

  /** Resolves when it ended, with why. */
  async ended(): Promise<VedetteError | undefined> {
    await this.#ended;
    return this.#failure;
  }

  get isRunning(): boolean {
    return this.#failure === undefined;
  }

  /** Ends it, by force if need be. Its line is free then. */
  async close(): Promise<void> {
    if (!this.isRunning) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}
