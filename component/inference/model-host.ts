import type { ModelConfig } from '../contract/config.ts';
import type { VedetteError } from '../contract/errors.ts';
import type {
  InferenceAnswer,
  InferenceRequest,
  ModelStatus,
  TensorAnswer,
  TensorRequest,
} from '../contract/ports.ts';
import type { ModelPackage } from './package/read-package.ts';

/** Remembers which model files passed their first run, so that it is not repeated at every start. */
export interface ModelTrust {
  isTrusted(sha256: string, variant: string, runtimeVersion: string): Promise<boolean>;
  record(model: ModelPackage, runtimeVersion: string): Promise<void>;
}

export interface ModelHostOptions {
  /** Key of the model in the configuration. */
  readonly name: string;
  readonly config: ModelConfig;
  /** Pictures with more pixels are refused before they are decoded. */
  readonly maxImagePixels: number;
  readonly trust: ModelTrust;
  /** Told after every change of state, worker or reason. Must not throw. */
  readonly onChange: (status: ModelStatus) => void;
  /** Told of what an operator should find in the log: a lost worker, a failed package. Must not throw. */
  readonly onFault: (fault: VedetteError) => void;
}

export interface CloseReport {
  /** A worker is inside ONNX Runtime's run(): ending the process normally would abort it. */
  readonly isInsideRun: boolean;
}

/** A configured model on the main thread: its package, its workers, its queue and its state. */
export declare class ModelHost {
  constructor(options: ModelHostOptions);
  readonly name: string;
  /** Present once the package was read. */
  readonly package: ModelPackage | undefined;
  readonly isReady: boolean;
  /** Resolves when the model is ready or failed; never rejects for a fault of the model. */
  start(): Promise<void>;
  /**
   * Judges one picture. For a frame the host holds the slot itself until the worker has read it; the
   * caller keeps and releases its own lease.
   * @throws VedetteError MODEL_NOT_READY, OVERLOADED, INFERENCE_TIMEOUT, INFERENCE_FAILED,
   * OUTPUT_INVALID, WORKER_LOST, SHUTTING_DOWN, IMAGE_…, FRAME_INVALID
   */
  infer(request: InferenceRequest): Promise<InferenceAnswer>;
  /** @throws VedetteError as `infer`, and TENSOR_INVALID */
  inferTensors(request: TensorRequest): Promise<TensorAnswer>;
  /** An encoded picture through the model's own preprocessing to raw outputs. `data` is moved. */
  inferPictureTensors(
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer>;
  status(): ModelStatus;
  /** Refuses what comes, lets what runs end for up to `drainMs`, then closes idle workers. */
  close(drainMs: number): Promise<CloseReport>;
}
