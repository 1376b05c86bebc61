/** What a shell calls a program that Ctrl-C ended. */
const INTERRUPTED = 130;

/**
 * Notices that nobody wants the rest of a long command: Ctrl-C, or a reader such as `head` that has
 * gone. The command looks at `isWanted` between two pictures and cleans up; a second Ctrl-C ends it at
 * once.
 */
export class Interruption {
  #isWanted = true;
  readonly #stdout: NodeJS.WriteStream;
  readonly #onSignal = () => {
    this.#isWanted = false;
    process.exitCode = INTERRUPTED;
  };
  readonly #onPipe = (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    this.#isWanted = false;
  };

  constructor(stdout: NodeJS.WriteStream) {
    this.#stdout = stdout;
    process.once('SIGINT', this.#onSignal);
    stdout.on('error', this.#onPipe);
  }

  get isWanted(): boolean {
    return this.#isWanted;
  }

  /** Later errors of a reader that has gone are still nobody's. */
  close(): void {
    process.removeListener('SIGINT', this.#onSignal);
    if (this.#isWanted) this.#stdout.removeListener('error', this.#onPipe);
  }
}
