import type { SerializedError } from '../contract/errors.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  RegionsAnswer,
  RegionsRequest,
  TensorRequest,
} from '../contract/ports.ts';
import type { TensorValue } from '../contract/tensor.ts';
import type { ModelSetup } from './model-setup.ts';

export interface ModelWorkerData {
  readonly setup: ModelSetup;
  /** Of a RunMark. */
  readonly mark: SharedArrayBuffer;
}

/** What the main thread asks of a model worker; one at a time, answered by the same `id`. */
export type WorkerJob =
  | ({ readonly kind: 'picture' } & InferenceRequest)
  | ({ readonly kind: 'regions' } & RegionsRequest)
  | {
      readonly kind: 'picture-tensors';
      readonly data: Uint8Array<ArrayBuffer>;
      readonly outputs?: readonly string[] | undefined;
    }
  | ({ readonly kind: 'tensors' } & TensorRequest);

export type ToWorker =
  | { readonly kind: 'job'; readonly id: number; readonly job: WorkerJob }
  | { readonly kind: 'close' };

/** An answer as the worker gives it: without what only the main thread knows. */
export type PictureReply = Omit<InferenceAnswer, 'model' | 'timings'> & {
  readonly timings: Omit<InferenceAnswer['timings'], 'queueMs'>;
};

export type RegionsReply = Omit<RegionsAnswer, 'model' | 'timings'> & Pick<PictureReply, 'timings'>;

export interface TensorReply {
  readonly outputs: readonly TensorValue[];
  readonly runMs: number;
}

export type WorkerReply = PictureReply | RegionsReply | TensorReply;

export type FromWorker =
  | { readonly kind: 'ready' }
  /** The model could not be loaded or warmed up; the worker ends by itself. */
  | { readonly kind: 'refused'; readonly error: SerializedError }
  | { readonly kind: 'done'; readonly id: number; readonly reply: WorkerReply }
  | { readonly kind: 'failed'; readonly id: number; readonly error: SerializedError };
