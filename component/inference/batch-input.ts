import { PooledBuffer, batchPlaces } from '../../native/index.ts';
import type { KeptTensor } from '../../native/index.ts';
import { createTensorData, tensorBytes, tensorElements } from '../contract/tensor.ts';
import type { PictureTensorData, TensorSpec } from '../contract/tensor.ts';
import type { ModelSetup } from './model-setup.ts';

/**
 * The input tensor [N, C, H, W] or [N, H, W, C] of a model (without N where the graph takes a picture
 * without a batch, and then one place), filled again for every run. A graph with a
 * free batch dimension is run on the first places; one with a fixed batch always on all of them.
 */
export class BatchInput<Tensor = unknown> {
  readonly #isFixed: boolean;
  readonly #isBatched: boolean;
  readonly #size: number;
  readonly #createTensor: (data: PictureTensorData, shape: number[]) => Tensor;
  readonly #data: PictureTensorData;
  #spec: TensorSpec;
  #places: readonly KeptTensor[] = [];
  /** Of the first places, by their number: made once for each size of the input. */
  #kept: readonly Tensor[] = [];
  /** Returned by `close`, or when the thread ends. */
  readonly #memory: PooledBuffer;

  /** @throws VedetteError OVERLOADED, IMAGE_TOO_LARGE when the memory cannot be had */
  constructor(
    { batch, spec, isBatched }: Pick<ModelSetup, 'batch' | 'spec' | 'isBatched'>,
    createTensor: (data: PictureTensorData, shape: number[]) => Tensor,
  ) {
    this.#memory = PooledBuffer.acquire(tensorBytes(spec, batch.size));
    this.#data = createTensorData(spec, batch.size, this.#memory.buffer);
    // Places of a fixed batch that no picture fills must not hold what was in the memory before.
    if (batch.isFixed) this.#data.fill(0);
    this.#isFixed = batch.isFixed;
    this.#isBatched = isBatched;
    this.#size = batch.size;
    this.#createTensor = createTensor;
    this.#spec = spec;
    this.#divide();
  }

  get spec(): TensorSpec {
    return this.#spec;
  }

  get places(): readonly KeptTensor[] {
    return this.#places;
  }

  /** Other sides from now on, none larger than the first ones; what lies in places is lost. */
  resize(spec: TensorSpec): void {
    this.#spec = spec;
    this.#divide();
  }

  #divide(): void {
    const used = tensorElements(this.#spec) * this.#size;
    this.#places = batchPlaces(this.#data.subarray(0, used), this.#spec);
    this.#kept = this.#places.map((_, place) => this.#tensorOf(0, place + 1));
  }

  #tensorOf(first: number, count: number): Tensor {
    const perPlace = tensorElements(this.#spec);
    const values = this.#data.subarray(first * perPlace, (first + count) * perPlace);
    const sides = sidesOf(this.#spec);
    return this.#createTensor(values, this.#isBatched ? [count, ...sides] : sides);
  }

  /** The tensor that holds `count` places from `first` on: all of them where the batch is fixed. */
  tensor(first: number, count: number): Tensor {
    if (this.#isFixed) return this.#kept.at(-1)!;
    return first === 0 ? this.#kept[count - 1]! : this.#tensorOf(first, count);
  }

  close(): void {
    this.#memory.release();
  }
}

function sidesOf({ colourOrder, layout, width, height }: TensorSpec): number[] {
  const channels = colourOrder === 'gray' ? 1 : 3;
  return layout === 'nchw' ? [channels, height, width] : [height, width, channels];
}
