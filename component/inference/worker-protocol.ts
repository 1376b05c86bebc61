import type { SerializedError } from '../contract/errors.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  RegionsAnswer,
  RegionsRequest,
  TensorRequest,
} from '../contract/ports.ts';
import type { TensorValue } from '../contract/tensor.ts';
import type { ExecutionReport } from './execution/execution-setup.ts';
import type { ModelSetup } from './model-setup.ts';

export interface ModelWorkerData {
  readonly setup: ModelSetup;
  /** Of a RunMark. */
  readonly mark: SharedArrayBuffer;
}

/** What the main thread asks of a model worker. */
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
  /** One, or several of kind `picture` or `regions` that share runs; the next when they are answered. */
  | { readonly kind: 'jobs'; readonly id: number; readonly jobs: readonly WorkerJob[] }
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
  | { readonly kind: 'ready'; readonly execution: ExecutionReport }
  /** The model could not be loaded or warmed up; the worker ends by itself. */
  | { readonly kind: 'refused'; readonly error: SerializedError }
  /** For each job, in their order. */
  | { readonly kind: 'done'; readonly id: number; readonly answers: readonly WorkerAnswer[] };

export type WorkerAnswer = { readonly reply: WorkerReply } | { readonly error: SerializedError };
