import type { RuntimeConfig } from './contract/config.ts';
import type { ConfigurationChangeRecord } from './configuration/configuration-history.ts';
import type { ConfigurationTree } from './configuration/configuration-layer.ts';
import type { ExplainedSetting } from './configuration/explain-configuration.ts';
import type { ConfigurationStatus } from './contract/configuration-status.ts';
import type { DeliveryStatus } from './contract/delivery.ts';
import type { ErrorCode } from './contract/errors.ts';
import type {
  CameraStatus,
  CaptureQuery,
  InferenceAnswer,
  ModelStatus,
  Notice,
  Page,
  ResultQuery,
  RuntimeEvent,
  StoredCapture,
  TensorAnswer,
  TensorRequest,
} from './contract/ports.ts';
import type { OutputRecord, OutputStatus } from './contract/output.ts';
import type { ModelChangeRecord, ModelChangeRequest } from './contract/model-lifecycle.ts';
import type { InferenceResult } from './contract/result.ts';
import type { ShadowQuery, ShadowResult, VerdictLabel } from './contract/verdict-comparison.ts';
import type {
  TransactionRecord,
  TriggerAnswer,
  TriggerRequest,
  TriggerSourceStatus,
} from './contract/transaction.ts';
import type { InspectionHolds } from './inspection-holds.ts';

export interface ModelReadiness {
  readonly isReady: boolean;
  readonly models: readonly ModelStatus[];
}

/** An HTTP inference: the bytes of one picture and what the caller wants passed through. */
export interface PictureRequest {
  readonly model: string;
  readonly data: Uint8Array<ArrayBuffer>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly requestId: string;
  readonly fileName?: string;
}

export interface PushedFrame {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly fileName?: string;
}

/** Where the configuration comes from, and how a station changes its part of it. */
export interface ConfigurationControl {
  /** Every value in force with who set it, without secrets. */
  explain(): readonly ExplainedSetting[];
  /** What the station file says, without secrets. @throws VedetteError CONFIG_UNREADABLE */
  stationSettings(): Promise<ConfigurationTree>;
  /**
   * A merge patch (RFC 7396) of the station file: in force and on the disk when it resolves, or refused
   * as a whole. @param by who asks, for the history
   * @throws VedetteError CONFIG_INVALID with every problem, CONFIG_UNREADABLE, STORAGE_FULL, and as
   * LocalEdgeRuntime.apply
   */
  changeStation(patch: ConfigurationTree, by: string): Promise<ConfigurationStatus>;
  /** Newest first. */
  changes(limit: number): Promise<readonly ConfigurationChangeRecord[]>;
}

/** The running device as one object: what the local server and the commands talk to. */
export interface EdgeRuntime {
  /** In force now: another object after a change. */
  readonly config: RuntimeConfig;
  readonly version: string;
  readonly startedAtMs: number;
  /** Which configuration is in force, and what became of what was asked for since. */
  configurationStatus(): ConfigurationStatus;
  /** Absent in a runtime whose configuration has no layers. */
  readonly configurationControl?: ConfigurationControl | undefined;
  /** Configuration valid, registry open. (The server being up is what answers.) */
  readonly isStarted: boolean;
  readiness(): ModelReadiness;
  cameras(): readonly CameraStatus[];
  /** @throws VedetteError CAMERA_NOT_FOUND */
  camera(name: string): CameraStatus;
  models(): readonly ModelStatus[];
  /** @throws VedetteError MODEL_NOT_FOUND */
  model(name: string): ModelStatus;
  /** Runs a model on one picture, stores the result and answers when it is stored. */
  inferPicture(request: PictureRequest): Promise<InferenceResult>;
  /** The same without rules and registry, for protocols that bring their own result shape. */
  inferRaw(model: string, data: Uint8Array<ArrayBuffer>): Promise<InferenceAnswer>;
  inferTensors(model: string, request: TensorRequest): Promise<TensorAnswer>;
  /**
   * Runs an encoded picture through the model's own preprocessing and gives the graph's raw outputs
   * (Open Inference Protocol with a BYTES input).
   */
  inferPictureTensors(
    model: string,
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer>;
  /** Hands a picture to a camera of kind `push`; resolves with the stored result. */
  pushFrame(camera: string, frame: PushedFrame): Promise<InferenceResult>;
  /**
   * Asks a triggered camera for a verdict.
   * @throws VedetteError CAMERA_NOT_FOUND, CAMERA_DISABLED, CAMERA_NOT_TRIGGERED, TRIGGER_DROPPED,
   * REQUEST_INVALID, SHUTTING_DOWN
   */
  trigger(camera: string, request: TriggerRequest): TriggerAnswer;
  /** The configured triggers and how they stand. */
  triggerSources(): readonly TriggerSourceStatus[];
  outputs(): readonly OutputStatus[];
  /** What outputs were told of one result, or of all, newest first. */
  outputRecords(resultId: string | undefined, limit: number): Promise<readonly OutputRecord[]>;
  /** Keeps what became of a verdict that somebody waited for, beside what outputs were told. Never throws. */
  recordOutput(record: OutputRecord): void;
  /** Triggers of one camera, or of all, newest first. */
  transactions(camera: string | undefined, limit: number): Promise<readonly TransactionRecord[]>;
  /** @throws VedetteError NOT_FOUND */
  transaction(id: string): Promise<TransactionRecord>;
  results(query: ResultQuery): Promise<Page<InferenceResult>>;
  /** @throws VedetteError NOT_FOUND */
  result(id: string): Promise<InferenceResult>;
  /**
   * Begins a change of a model's versions; `model(name).lifecycle` tells what becomes of it.
   * @throws VedetteError MODEL_NOT_FOUND, CAMERA_NOT_FOUND, REQUEST_INVALID, MODEL_CHANGE_RUNNING,
   * MODEL_PINNED, MODEL_CANDIDATE_EXISTS, MODEL_CANDIDATE_NONE, MODEL_PREVIOUS_NONE
   */
  changeModel(name: string, request: ModelChangeRequest): Promise<ModelStatus>;
  /** The history of a model's versions, newest first. @throws VedetteError MODEL_NOT_FOUND */
  modelChanges(name: string, limit: number): Promise<readonly ModelChangeRecord[]>;
  /** What candidates in shadow said. @throws VedetteError MODEL_NOT_FOUND */
  shadows(query: ShadowQuery): Promise<readonly ShadowResult[]>;
  /** Keeps what a person says of a result. @throws VedetteError NOT_FOUND */
  labelResult(label: VerdictLabel): Promise<void>;
  captures(query: CaptureQuery): Promise<Page<StoredCapture>>;
  /** The absolute path of a recording. @throws VedetteError NOT_FOUND, also while it is being recorded */
  clipFile(id: string): Promise<string>;
  /** The capture and the absolute path of its picture. @throws VedetteError NOT_FOUND */
  capture(id: string): Promise<{ readonly capture: StoredCapture; readonly imageFile: string }>;
  /**
   * Keeps the next picture of a camera that is judged, as a capture of rule `snapshot`.
   * @throws VedetteError CAMERA_NOT_FOUND, CAMERA_DISABLED, STORAGE_FULL, REGISTRY_UNAVAILABLE, and the
   * reason of `signal`
   */
  snapshot(camera: string, signal: AbortSignal): Promise<StoredCapture>;
  /**
   * Closes a camera's source and opens it again.
   * @throws VedetteError CAMERA_NOT_FOUND, CAMERA_DISABLED, REQUEST_INVALID when it ended for good
   */
  restartCamera(camera: string): Promise<void>;
  /**
   * Puts a capture into `delivery.store` now. @throws VedetteError NOT_FOUND, REQUEST_INVALID when there
   * is no store, and why the store did not take it
   */
  uploadCapture(id: string): Promise<{ readonly key: string; readonly byteLength: number }>;
  /** Parts under inspection, for which updates wait. */
  readonly inspections: InspectionHolds;
  /** Those in words; and with pictures that somebody waits for at this moment. */
  inspectionReasons(): readonly string[];
  busyReasons(): readonly string[];
  notices(): readonly Notice[];
  /** Shows an operator what must be known, and keeps it over restarts. */
  notify(notice: Notice): void;
  /** What waits to leave the device, and how it leaves. */
  deliveryStatus(): Promise<DeliveryStatus>;
  /** Listeners must not throw and must not block. Returns the function that ends it. */
  subscribe(listener: (event: RuntimeEvent) => void): () => void;
  /**
   * Live pictures (JPEG with everything drawn). The listener gets the newest one first if there is
   * one. @throws VedetteError CAMERA_NOT_FOUND, OVERLOADED when there are too many viewers.
   */
  watchCamera(name: string, listener: (jpeg: Uint8Array) => void): () => void;
  /** Counts a request that was answered with an error, for `metrics`. */
  countHttpError(code: ErrorCode): void;
  /** Text in Prometheus' exposition format, and its content type. */
  metrics(): Promise<{ readonly text: string; readonly contentType: string }>;
}
