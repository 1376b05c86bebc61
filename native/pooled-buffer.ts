import { callAddon } from './addon.ts';
import { RING, at, numeric } from './ring-numbers.ts';

export interface BufferPoolStatistics {
  readonly held: number;
  readonly heldBytes: number;
  /** Given back and kept for who asks next. */
  readonly idle: number;
  readonly idleBytes: number;
  /** Since the process began: given out, of these without new memory, refused. */
  readonly acquired: number;
  readonly reused: number;
  readonly refused: number;
}

/** One array for every call of this thread, because calls are synchronous. */
const numbers = new Float64Array(RING.length);

/**
 * Memory for a tensor from the addon's pool, which all threads of the process share: aligned to 64
 * bytes and more, its pages resident. ONNX Runtime reads a typed array over `buffer` in place. It
 * holds what its last user left. It goes back to the pool by `release`; also when it is collected,
 * and when its thread ends, however that happens. What `buffer.transfer()` makes of it must therefore
 * not be sent to another thread, which would read it after that.
 */
export class PooledBuffer {
  /** Of exactly the bytes asked for; detached by `release`. */
  readonly buffer: ArrayBuffer;
  readonly #token: number;

  /**
   * @throws VedetteError TENSOR_INVALID (not 1 byte to 1 GiB), OVERLOADED (1 GiB or 4,096 buffers are
   * held already), IMAGE_TOO_LARGE (the system refused the memory)
   */
  static acquire(byteLength: number): PooledBuffer {
    const buffer = callAddon((addon) => addon.poolAcquire(numeric(byteLength), numbers));
    return new PooledBuffer(buffer, at(numbers, 0));
  }

  /** Only for memory that the addon gave out, with its token. */
  constructor(buffer: ArrayBuffer, token: number) {
    this.buffer = buffer;
    this.#token = token;
  }

  /**
   * Gives it back. Every view of it has length 0 from then on.
   * @throws VedetteError TENSOR_INVALID when it was released before, or its memory was moved to
   * another ArrayBuffer (`transfer`): then it comes back when that one is collected
   */
  release(): void {
    callAddon((addon) => addon.poolRelease(this.buffer, this.#token));
  }
}

/** Of all threads of the process. */
export function bufferPoolStatistics(): BufferPoolStatistics {
  callAddon((addon) => addon.poolStatistics(numbers));
  return {
    held: at(numbers, 0),
    heldBytes: at(numbers, 1),
    idle: at(numbers, 2),
    idleBytes: at(numbers, 3),
    acquired: at(numbers, 4),
    reused: at(numbers, 5),
    refused: at(numbers, 6),
  };
}
