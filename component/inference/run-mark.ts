/**
 * Whether a worker is inside ONNX Runtime, in memory that both threads see: a message could not tell,
 * since it costs each frame a turn of the main thread.
 */
export class RunMark {
  readonly memory: SharedArrayBuffer;
  readonly #mark: Int32Array;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#mark = new Int32Array(memory);
  }

  static create(): RunMark {
    return new RunMark(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  }

  static attach(memory: SharedArrayBuffer): RunMark {
    return new RunMark(memory);
  }

  set(isInside: boolean): void {
    Atomics.store(this.#mark, 0, isInside ? 1 : 0);
  }

  get isSet(): boolean {
    return Atomics.load(this.#mark, 0) === 1;
  }
}
