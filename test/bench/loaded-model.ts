import path from 'node:path';
import * as ort from 'onnxruntime-node';
import { readPackage, type ModelPackage } from '../../component/inference/package/read-package.ts';
import type { TensorData, TensorDtype, TensorValue } from '../../component/contract/tensor.ts';
import { tensorElements, type FrameTransform } from '../../component/contract/tensor.ts';
import { WHOLE_FRAME } from '../../component/contract/frame.ts';
import { encodedToTensor } from '../../native/image-to-tensor.ts';

const MAX_PIXELS = 100_000_000;

/** A sample model with ONNX Runtime in this thread, the way a model worker has it: one thread. */
export class LoadedModel {
  readonly package: ModelPackage;
  readonly #session: ort.InferenceSession;
  readonly #pixels: Float32Array;
  readonly #input: ort.Tensor;

  static async open(root: string, name: string, variant: string): Promise<LoadedModel> {
    const read = await readPackage(path.join(root, 'samples/models', name), variant);
    const session = await ort.InferenceSession.create(read.modelFile, {
      executionProviders: ['cpu'],
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      graphOptimizationLevel: 'all',
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    return new LoadedModel(read, session);
  }

  private constructor(read: ModelPackage, session: ort.InferenceSession) {
    const { spec } = read;
    this.package = read;
    this.#session = session;
    this.#pixels = new Float32Array(tensorElements(spec));
    this.#input = new ort.Tensor('float32', this.#pixels, [1, 3, spec.height, spec.width]);
  }

  /** Puts a picture into the input tensor. */
  show(picture: Uint8Array): Promise<FrameTransform> {
    return encodedToTensor(picture, WHOLE_FRAME, this.package.spec, this.#pixels, MAX_PIXELS);
  }

  run(): Promise<ort.InferenceSession.ReturnType> {
    return this.#session.run({ [this.package.inputName]: this.#input });
  }

  async outputs(): Promise<ReadonlyMap<string, TensorValue>> {
    const values = Object.entries(await this.run()).map(([name, value]): [string, TensorValue] => {
      const { type, dims, data } = value as ort.Tensor;
      return [name, { name, dtype: type as TensorDtype, shape: dims, data: data as TensorData }];
    });
    return new Map(values);
  }

  close(): Promise<void> {
    return this.#session.release();
  }
}
