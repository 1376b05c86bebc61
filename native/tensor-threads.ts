import type { FrameView } from '../component/contract/frame.ts';
import {
  createTensorData,
  type FrameTransform,
  type PictureTensorData,
  type TensorSpec,
} from '../component/contract/tensor.ts';
import {
  addonError,
  callAddon,
  type Addon,
  type AddonTensor,
  type ThreadsHandle,
} from './addon.ts';
import { PooledBuffer } from './pooled-buffer.ts';
import type { RawImage } from './raw-image.ts';
import { AddonRequest, transformOf } from './request.ts';
import { numeric } from './ring-numbers.ts';

export interface PooledTensor {
  /** As the specification says; over `memory`. */
  readonly data: PictureTensorData;
  /** To be released when the tensor is not needed any more. */
  readonly memory: PooledBuffer;
  readonly transform: FrameTransform;
}

const request = new AddonRequest();

/** Instances with calls under way: none of them is collected, which would close it. */
const busy = new Set<TensorThreads>();

/**
 * Turns pictures into tensors without holding up the calling thread, on threads of its own, not those
 * of libuv. For who cannot use `rawToTensor` and `jpegToTensor` in a worker thread, which copy nothing.
 *
 * A call copies its input before it returns: what happens to that memory meanwhile (changed, moved,
 * shrunk) does not matter. The tensor comes in pooled memory, without a copy. Threads without work do
 * not keep the process alive; when the calling thread ends, what waits is dropped and what runs is
 * waited for, a few milliseconds.
 */
export class TensorThreads {
  readonly #handle: ThreadsHandle;
  #pending = 0;

  /**
   * @param options `threads` 1 to 64; `maxQueued` 1 to 65,536 calls that wait for one
   * @throws VedetteError FRAME_INVALID, INTERNAL (the system refused a thread)
   */
  static open(options: { threads: number; maxQueued: number }): TensorThreads {
    const { threads, maxQueued } = options;
    return new TensorThreads(
      callAddon((addon) => addon.threadsOpen(numeric(threads), numeric(maxQueued))),
    );
  }

  private constructor(handle: ThreadsHandle) {
    this.#handle = handle;
  }

  /**
   * As the function of this name.
   * @throws VedetteError FRAME_INVALID, TENSOR_INVALID, OVERLOADED (`maxQueued` calls wait, or the
   * memory pool is full), SHUTTING_DOWN (closed before its turn)
   */
  async rawToTensor(image: RawImage, view: FrameView, spec: TensorSpec): Promise<PooledTensor> {
    request.setImage(image);
    request.setView(view);
    request.setSpec(spec);
    return this.#call(spec, (addon) =>
      addon.threadsRawToTensor(this.#handle, image.data, request.slots),
    );
  }

  /**
   * As the function of this name.
   * @throws VedetteError IMAGE_CORRUPT, IMAGE_FORMAT_UNSUPPORTED, IMAGE_TOO_LARGE, and as `rawToTensor`
   */
  async jpegToTensor(
    data: Uint8Array,
    view: FrameView,
    spec: TensorSpec,
    maxPixels: number,
  ): Promise<PooledTensor> {
    request.setView(view);
    request.setSpec(spec);
    request.setMaxPixels(maxPixels);
    return this.#call(spec, (addon) =>
      addon.threadsJpegToTensor(this.#handle, data, request.slots),
    );
  }

  /** Calls that wait are refused with SHUTTING_DOWN; those that run end first, and this waits for them. */
  close(): void {
    callAddon((addon) => addon.threadsClose(this.#handle));
  }

  async #call(
    spec: TensorSpec,
    start: (addon: Addon) => Promise<AddonTensor>,
  ): Promise<PooledTensor> {
    const promise = callAddon(start);
    // The caller's may change before the answer comes.
    const asked = { ...spec };
    this.#pending += 1;
    busy.add(this);
    try {
      const { buffer, token, request: numbers } = await promise;
      const memory = new PooledBuffer(buffer, token);
      const data = createTensorData(asked, 1, buffer);
      return { data, memory, transform: transformOf(numbers) };
    } catch (thrown) {
      throw addonError(thrown);
    } finally {
      this.#pending -= 1;
      if (this.#pending === 0) busy.delete(this);
    }
  }
}
