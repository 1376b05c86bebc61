/**
 * Since when a worker is inside ONNX Runtime, in memory that both threads see: a message could not
 * tell, since the worker hears none while it runs.
 */
export class RunClock {
  readonly memory: SharedArrayBuffer;
  readonly #since: Float64Array;

  private constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#since = new Float64Array(memory);
  }

  static create(): RunClock {
    return new RunClock(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT));
  }

  static attach(memory: SharedArrayBuffer): RunClock {
    return new RunClock(memory);
  }

  begin(): void {
    this.#since[0] = now();
  }

  end(): void {
    this.#since[0] = 0;
  }

  /** Nothing between runs. */
  get elapsedMs(): number | undefined {
    const since = this.#since[0] ?? 0;
    return since === 0 ? undefined : now() - since;
  }
}

/** The same in every thread, unlike performance.now(), and steady. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
