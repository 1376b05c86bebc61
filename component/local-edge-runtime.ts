import { applyConfiguration } from './apply-configuration.ts';
import type { RuntimeConfig } from './contract/config.ts';
import type { ConfigurationStatus } from './contract/configuration-status.ts';
import type { DeliveryStatus } from './contract/delivery.ts';
import type { ErrorCode, VedetteError } from './contract/errors.ts';
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
import type {
  ChangeCause,
  ModelChangeRecord,
  ModelChangeRequest,
} from './contract/model-lifecycle.ts';
import type { InferenceResult } from './contract/result.ts';
import type { ShadowQuery, ShadowResult, VerdictLabel } from './contract/verdict-comparison.ts';
import type { Delivery } from './delivery/delivery.ts';
import type { OutputRecord, OutputStatus } from './contract/output.ts';
import { InspectionHolds } from './inspection-holds.ts';
import type {
  TransactionRecord,
  TriggerAnswer,
  TriggerRequest,
  TriggerSourceStatus,
} from './contract/transaction.ts';
import type {
  ConfigurationControl,
  EdgeRuntime,
  ModelReadiness,
  PictureRequest,
  PushedFrame,
} from './edge-runtime.ts';
import { closeParts, startParts, type RuntimeParts } from './runtime-parts.ts';

/** How often live viewers hear of rates that changed, in milliseconds. */
const STATUS_INTERVAL_MS = 1000;

/** The edge runtime of this process. */
export class LocalEdgeRuntime implements EdgeRuntime {
  readonly version: string;
  readonly startedAtMs = Date.now();
  readonly inspections = new InspectionHolds();
  readonly delivery: Delivery;
  configurationControl: ConfigurationControl | undefined;
  readonly #parts: RuntimeParts;
  #statusTimer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(version: string, parts: RuntimeParts) {
    this.version = version;
    this.delivery = parts.delivery;
    this.#parts = parts;
  }

  start(): void {
    startParts(this.#parts);
    this.#statusTimer = setInterval(() => {
      if (!this.#parts.board.hasListeners) return;
      for (const camera of this.cameras()) this.#parts.board.publish({ kind: 'camera', camera });
    }, STATUS_INTERVAL_MS);
    this.#isStarted = true;
  }

  get config(): RuntimeConfig {
    return this.#parts.configuration.config;
  }

  configurationStatus(): ConfigurationStatus {
    return this.#parts.configuration.status();
  }

  /** Something was asked for that is not going to be in force, for the status to say so. */
  refuseConfiguration(reason: VedetteError): void {
    this.#parts.configuration.refuse(reason);
  }

  /**
   * Puts another configuration in force, as a whole or not at all. What it needs is loaded beside what
   * runs; then cameras, models and limits change between two frames, each of which ends as it began.
   * Only sources that changed are opened anew. What the server must do is left to its owner.
   * @throws VedetteError CONFIG_NEEDS_RESTART, the reason why a model cannot be used,
   * REGISTRY_UNAVAILABLE, SHUTTING_DOWN; the configuration of before is in force then
   */
  apply(next: RuntimeConfig): Promise<void> {
    const parts = {
      models: this.#parts.models,
      cameras: this.#parts.cameras,
      logger: this.#parts.logger,
      isClosed: () => this.#isClosed,
      useLimits: (config: RuntimeConfig) => this.#useLimits(config),
      useOutputs: (config: RuntimeConfig) => this.#parts.outputs.use(config.outputs),
    };
    return this.#parts.configuration.change(async (takes) => {
      await applyConfiguration(parts, this.config, next, takes);
      await this.#parts.triggers.use(next.triggers);
    });
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  readiness(): ModelReadiness {
    const models = this.models();
    return { isReady: models.every((model) => model.state === 'ready'), models };
  }

  cameras(): readonly CameraStatus[] {
    return this.#parts.cameras.statuses();
  }

  camera(name: string): CameraStatus {
    return this.#parts.cameras.station(name).status();
  }

  models(): readonly ModelStatus[] {
    return this.#parts.models.allStatuses();
  }

  model(name: string): ModelStatus {
    return this.#parts.models.cameraModel(name).status();
  }

  async inferPicture(request: PictureRequest): Promise<InferenceResult> {
    return this.#parts.requests.inferAndStore(request);
  }

  async inferRaw(model: string, data: Uint8Array<ArrayBuffer>): Promise<InferenceAnswer> {
    return this.#parts.requests.infer(model, data);
  }

  async inferTensors(model: string, request: TensorRequest): Promise<TensorAnswer> {
    return this.#parts.requests.inferTensors(model, request);
  }

  async inferPictureTensors(
    model: string,
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    return this.#parts.requests.inferPictureTensors(model, data, outputs);
  }

  async pushFrame(camera: string, frame: PushedFrame): Promise<InferenceResult> {
    return this.#parts.cameras.station(camera).push(frame.data, frame.context, frame.fileName);
  }

  trigger(camera: string, request: TriggerRequest): TriggerAnswer {
    return this.#parts.cameras.station(camera).trigger(request);
  }

  triggerSources(): readonly TriggerSourceStatus[] {
    return this.#parts.triggers.statuses();
  }

  outputs(): readonly OutputStatus[] {
    return this.#parts.outputs.statuses();
  }

  async outputRecords(
    resultId: string | undefined,
    limit: number,
  ): Promise<readonly OutputRecord[]> {
    return this.#parts.registry.outputRecords(resultId, limit);
  }

  recordOutput(record: OutputRecord): void {
    this.#parts.outputs.record(record);
  }

  async transactions(
    camera: string | undefined,
    limit: number,
  ): Promise<readonly TransactionRecord[]> {
    return this.#parts.registry.transactions(camera, limit);
  }

  async transaction(id: string): Promise<TransactionRecord> {
    return this.#parts.registry.transaction(id);
  }

  async results(query: ResultQuery): Promise<Page<InferenceResult>> {
    return this.#parts.registry.results(query);
  }

  async result(id: string): Promise<InferenceResult> {
    return this.#parts.registry.result(id);
  }

  async changeModel(
    name: string,
    request: ModelChangeRequest,
    cause?: ChangeCause,
  ): Promise<ModelStatus> {
    return this.#parts.models.change(name, request, cause);
  }

  async modelChanges(name: string, limit: number): Promise<readonly ModelChangeRecord[]> {
    this.#parts.models.model(name);
    return this.#parts.registry.modelChanges(name, limit);
  }

  async shadows(query: ShadowQuery): Promise<readonly ShadowResult[]> {
    this.#parts.models.model(query.model);
    return this.#parts.registry.shadows(query);
  }

  async labelResult(label: VerdictLabel): Promise<void> {
    await this.#parts.registry.labelResult(label);
    await this.#parts.models.labelled();
  }

  async captures(query: CaptureQuery): Promise<Page<StoredCapture>> {
    return this.#parts.registry.captures(query);
  }

  clipFile(id: string): Promise<string> {
    return this.#parts.clips.fileOf(id);
  }

  async capture(id: string): Promise<{ capture: StoredCapture; imageFile: string }> {
    const capture = await this.#parts.registry.capture(id);
    return { capture, imageFile: this.#parts.captureStore.fileOf(capture) };
  }

  async snapshot(camera: string, signal: AbortSignal): Promise<StoredCapture> {
    return this.#parts.cameras.station(camera).snapshot(signal);
  }

  async restartCamera(camera: string): Promise<void> {
    this.#parts.cameras.station(camera).restart();
  }

  async uploadCapture(id: string): Promise<{ readonly key: string; readonly byteLength: number }> {
    return this.delivery.uploadCapture(await this.#parts.registry.capture(id));
  }

  busyReasons(): readonly string[] {
    return [...this.inspectionReasons(), ...this.#parts.cameras.busyReasons()];
  }

  inspectionReasons(): readonly string[] {
    return this.inspections.list().map(({ name }) => `a part is under inspection: ${name}`);
  }

  notices(): readonly Notice[] {
    return this.#parts.board.notices;
  }

  notify(notice: Notice): void {
    this.#parts.notify(notice);
  }

  deliveryStatus(): Promise<DeliveryStatus> {
    return this.delivery.status();
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    return this.#parts.board.subscribe(listener);
  }

  watchCamera(name: string, listener: (jpeg: Uint8Array) => void): () => void {
    return this.#parts.liveView.watch(name, listener);
  }

  countHttpError(code: ErrorCode): void {
    this.#parts.metrics.countHttpError(code);
  }

  async metrics(): Promise<{ readonly text: string; readonly contentType: string }> {
    return this.#parts.metrics.render();
  }

  /** See `closeParts`. */
  async close(): Promise<{ readonly isInsideRun: boolean }> {
    this.#isClosed = true;
    clearInterval(this.#statusTimer);
    return closeParts(this.#parts);
  }

  /** What holds without anything being started anew. */
  #useLimits({ limits, liveView, retention, log }: RuntimeConfig): void {
    this.#parts.pictures.limitPixels(limits.maxImagePixels);
    this.#parts.liveView.configure(liveView);
    this.#parts.captureStore.configure(retention);
    this.#parts.clips.configure(retention);
    this.#parts.retention.configure(retention);
    if (log.level !== this.config.log.level) this.#parts.logger.level = log.level;
  }
}
