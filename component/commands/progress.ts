/** How far a long command is, in one line on a terminal that is written over; nothing elsewhere. */
export class Progress {
  readonly #stream: NodeJS.WriteStream;
  readonly #what: string;
  readonly #total: number;
  #done = 0;
  #shownAt = 0;

  constructor(stream: NodeJS.WriteStream, what: string, total: number) {
    this.#stream = stream;
    this.#what = what;
    this.#total = total;
  }

  step(): void {
    this.#done += 1;
    const now = performance.now();
    if (!this.#stream.isTTY || now - this.#shownAt < 100) return;
    this.#shownAt = now;
    this.#stream.write(`\r${this.#what} ${this.#done} of ${this.#total}\u001b[K`);
  }

  end(): void {
    if (this.#stream.isTTY) this.#stream.write('\r\u001b[K');
  }
}
