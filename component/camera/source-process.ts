import { spawn, type ChildProcess } from 'node:child_process';
import { Readable } from 'node:stream';
import { VedetteError } from '../contract/errors.ts';
import { tiedProgram } from '../field-io/tied-program.ts';
import { ProcessMessages } from './process-messages.ts';

/** After it was asked to end a child has so long before it is killed. */
const KILL_AFTER_MS = 1000;
const TELL_AGAIN_AFTER_MS = 200;
/** What `setpriv`, as shells do, ends with when the program cannot be run, or is not there. */
const START_FAILURES: Readonly<Record<number, string>> = { 126: 'EACCES', 127: 'ENOENT' };

export interface SourceProcessOptions {
  readonly path: string;
  /** What it means that the program is not there. */
  readonly missingCode: 'FFMPEG_MISSING' | 'GSTREAMER_MISSING' | 'CAMERA_SOURCE_FAILED';
  /** Whether what it prints on its standard output is among its messages. */
  readonly tellsOnOutput?: boolean;
  readonly arguments: readonly string[];
  /** Written to its standard input, which is closed when absent. */
  readonly input?: string;
  /** Descriptor that the child has as number 3. The caller closes its own copy. */
  readonly frameFd?: number;
  /** Pipes from the descriptors after it, see `sidePipes`. */
  readonly sidePipeCount?: number;
  readonly secrets: readonly string[];
  /** Each line that it says, without secrets. */
  readonly onLine?: (line: string) => void;
  /** Asks the program to end; SIGTERM when absent. */
  readonly stopSignal?: 'SIGTERM' | 'SIGINT';
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** FFMPEG_MISSING, GSTREAMER_MISSING: the program never ran. */
  readonly startFailure?: VedetteError;
}

/** One running ffmpeg or GStreamer. It has ended, and everything it held is closed, when `ended` resolves. */
export class SourceProcess {
  readonly messages: ProcessMessages;
  readonly ended: Promise<ProcessEnd>;
  readonly #child: ChildProcess;
  readonly #stopSignal: NodeJS.Signals;

  /**
   * Resolves when the program runs, or when the one that ties it to this process does (see
   * `startFailure`).
   * @throws VedetteError FFMPEG_MISSING, GSTREAMER_MISSING, CAMERA_SOURCE_FAILED (the system could not start it)
   */
  static async start(options: SourceProcessOptions): Promise<SourceProcess> {
    const { path, frameFd, sidePipeCount = 0, tellsOnOutput = false } = options;
    // A silent source never makes the program notice that nobody reads its frames any more.
    const { file, arguments: given, isTied } = tiedProgram(path, options.arguments);
    const child = spawn(file, given, {
      stdio: [
        options.input === undefined ? 'ignore' : 'pipe',
        tellsOnOutput ? 'pipe' : 'ignore',
        'pipe',
        ...(frameFd === undefined ? [] : [frameFd]),
        ...Array<'pipe'>(sidePipeCount).fill('pipe'),
      ],
    });
    const messages = new ProcessMessages(options.secrets, options.onLine);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => messages.add(text));
    }
    const ended = new Promise<ProcessEnd>((resolve) => {
      child.once('close', (code, signal) => {
        messages.end();
        const isMissing = isTied && messages.lines[0]?.startsWith('setpriv:') === true;
        const failure = isMissing ? START_FAILURES[code ?? 0] : undefined;
        resolve({
          ...{ code, signal },
          ...(failure === undefined ? {} : { startFailure: startError(failure, options) }),
        });
      });
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(startError(error.code ?? error.message, options, error)),
      );
    });
    // A child that is gone before it read its input says why on its standard error.
    child.stdin?.on('error', () => {});
    child.stdin?.end(options.input);
    return new SourceProcess(child, messages, ended, options.stopSignal ?? 'SIGTERM');
  }

  private constructor(
    child: ChildProcess,
    messages: ProcessMessages,
    ended: Promise<ProcessEnd>,
    stopSignal: NodeJS.Signals,
  ) {
    this.#child = child;
    this.#stopSignal = stopSignal;
    this.messages = messages;
    this.ended = ended;
  }

  /** What it writes to the descriptors after the frames (from 3 on without). They must be read, or it waits. */
  get sidePipes(): readonly Readable[] {
    return this.#child.stdio.slice(3).filter((stream) => stream instanceof Readable);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Ends the child, by force after a second, and waits until it is gone. */
  async stop(): Promise<void> {
    this.#child.kill(this.#stopSignal);
    // ffmpeg leaves a call to the network only when it is told twice.
    const again = setTimeout(() => this.#child.kill(this.#stopSignal), TELL_AGAIN_AFTER_MS);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), KILL_AFTER_MS);
    await this.ended;
    clearTimeout(again);
    clearTimeout(timer);
  }
}

/**
 * Waits for a child; aborting `signal` stops it, after `onAbort`.
 * @throws VedetteError FFMPEG_MISSING, GSTREAMER_MISSING
 */
export async function untilEnded(
  child: SourceProcess,
  signal: AbortSignal,
  onAbort?: () => void,
): Promise<ProcessEnd> {
  let stopping: Promise<void> | undefined;
  const stop = () => {
    onAbort?.();
    stopping = child.stop();
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  const end = await child.ended;
  signal.removeEventListener('abort', stop);
  await stopping;
  if (end.startFailure !== undefined) throw end.startFailure;
  return end;
}

function startError(
  code: string,
  { path, missingCode }: SourceProcessOptions,
  cause?: Error,
): VedetteError {
  const options = cause === undefined ? {} : { cause };
  switch (code) {
    case 'ENOENT':
      return new VedetteError(missingCode, `the program ${path} was not found`, options);
    case 'EACCES':
      return new VedetteError(missingCode, `${path} is no program that may be run`, options);
    default:
      return new VedetteError(
        'CAMERA_SOURCE_FAILED',
        `${path} could not be started: ${code}`,
        options,
      );
  }
}
