/**
 * Whether a worker is inside ONNX Runtime, and how often it was, in memory that both threads see: a
 * message could not tell, since it costs each frame a turn of the main thread.
 */
export class RunMark {
  readonly memory: SharedArrayBuffer;
  /** Whether inside; runs that returned. */
  readonly #numbers: Int32Array;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#numbers = new Int32Array(memory);
  }

  static create(): RunMark {
    return new RunMark(new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT));
  }

  static attach(memory: SharedArrayBuffer): RunMark {
    return new RunMark(memory);
  }

  set(isInside: boolean): void {
    Atomics.store(this.#numbers, 0, isInside ? 1 : 0);
    if (!isInside) Atomics.add(this.#numbers, 1, 1);
  }

  get isSet(): boolean {
    return Atomics.load(this.#numbers, 0) === 1;
  }

  /** Begins again at −2³¹ after 2³¹ runs: only a change says something. */
  get completedRuns(): number {
    return Atomics.load(this.#numbers, 1);
  }
}
