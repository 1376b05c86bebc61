import { applyConfiguration } from './apply-configuration.ts';
import { CameraFleet } from './camera-fleet.ts';
import { ConfigurationState } from './configuration/configuration-state.ts';
import type { RuntimeConfig } from './contract/config.ts';
import type { ConfigurationStatus } from './contract/configuration-status.ts';
import type { DeliveryStatus } from './contract/delivery.ts';
import type { SecretReference } from './contract/config-values.ts';
import { VedetteError, type ErrorCode } from './contract/errors.ts';
import type { MessageChannel } from './contract/message-channel.ts';
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
import { CaptureStore } from './delivery/capture-store.ts';
import { Delivery, openDeliveryWays, outboxSettings } from './delivery/delivery.ts';
import type { DeliveryWays } from './delivery/delivery.ts';
import { Outputs } from './delivery/outputs/outputs.ts';
import { Retention } from './delivery/retention.ts';
import type { OutputRecord, OutputStatus } from './contract/output.ts';
import { TriggerSources } from './pipeline/triggers/trigger-sources.ts';
import { RuntimeLibrary } from './inference/execution/runtime-library.ts';
import { ModelStore } from './inference/model-store/model-store.ts';
import { InspectionHolds } from './inspection-holds.ts';
import { ModelFleet } from './model-fleet.ts';
import { NoticeBoard } from './notice-board.ts';
import { PictureRequests } from './picture-requests.ts';
import { FaultLog } from './logging/fault-log.ts';
import type { Logger } from './logging/create-logger.ts';
import { LiveView } from './pipeline/live-view.ts';
import { Metrics } from './pipeline/metrics.ts';
import { Pictures } from './pipeline/pictures.ts';
import { registryReadings } from './pipeline/registry-readings.ts';
import { Snapshots } from './pipeline/snapshots.ts';
import {
  endOpenTransactions,
  recallTriggers,
} from './pipeline/transactions/end-open-transactions.ts';
import type { TriggerMemory } from './pipeline/transactions/trigger-memory.ts';
import type { TransactionRecord, TriggerAnswer, TriggerRequest } from './contract/transaction.ts';
import { Registry } from './registry/registry.ts';
import type {
  ConfigurationControl,
  EdgeRuntime,
  ModelReadiness,
  PictureRequest,
  PushedFrame,
} from './edge-runtime.ts';

export interface EdgeRuntimeOptions {
  readonly config: RuntimeConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** The nucleus, where the runtime is its component; closed by who opened it. */
  readonly greengrass?: MessageChannel;
}

/** Longest wait for models to end what they run when the process stops, in milliseconds. */
const DRAIN_MS = 4000;
/** How often live viewers hear of rates that changed, in milliseconds. */
const STATUS_INTERVAL_MS = 1000;

/**
 * Opens the registry, then starts models and cameras without waiting for them.
 * @throws VedetteError REGISTRY_UNAVAILABLE, DATA_FOLDER_LOCKED, STORAGE_FULL
 */
export async function startEdgeRuntime(options: EdgeRuntimeOptions): Promise<LocalEdgeRuntime> {
  const board = new NoticeBoard(options.logger);
  const { config, readSecret, greengrass } = options;
  const faults = new FaultLog(options.logger);
  const ways = await openDeliveryWays(config, readSecret, faults, greengrass);
  const outbox = outboxSettings(config, ways);
  const running: { runtime?: LocalEdgeRuntime } = {};
  const registry = await Registry.open({
    dataFolder: config.dataFolder,
    ...(outbox === undefined ? {} : { outbox }),
    onNotice: board.notify,
    onOutbox: () => running.runtime?.delivery.wake(),
  });
  await board.recall(registry);
  const triggerMemories = await recalledTriggers(registry, config.thing, options.logger);
  const runtime = new LocalEdgeRuntime(options, registry, ways, board, triggerMemories);
  running.runtime = runtime;
  try {
    runtime.start();
  } catch (error) {
    // Models, cameras and the registry that began already would keep the process alive.
    await runtime.close();
    throw error;
  }
  return runtime;
}

/** What the process before left of triggers. Without it the start goes on: it is read at the next one. */
async function recalledTriggers(
  registry: Registry,
  thing: string,
  logger: Logger,
): Promise<Map<string, TriggerMemory>> {
  try {
    const ended = await endOpenTransactions(registry, thing);
    if (ended > 0) logger.warn({ triggers: ended }, 'open triggers got their fail-safe verdict');
    return await recallTriggers(registry);
  } catch (thrown) {
    const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    logger.error({ error }, 'triggers of the process before could not be ended');
    return new Map();
  }
}

/** The edge runtime of this process. */
export class LocalEdgeRuntime implements EdgeRuntime {
  readonly version: string;
  readonly startedAtMs = Date.now();
  readonly inspections = new InspectionHolds();
  readonly delivery: Delivery;
  configurationControl: ConfigurationControl | undefined;
  readonly #registry: Registry;
  readonly #board: NoticeBoard;
  readonly #configuration: ConfigurationState;
  readonly #logger: Logger;
  readonly #models: ModelFleet;
  readonly #cameras: CameraFleet;
  readonly #pictures: Pictures;
  readonly #liveView: LiveView;
  readonly #metrics: Metrics;
  readonly #captureStore: CaptureStore;
  readonly #retention: Retention;
  readonly #modelStore: ModelStore;
  readonly #requests: PictureRequests;
  readonly #outputs: Outputs;
  readonly #triggers: TriggerSources;
  #statusTimer: NodeJS.Timeout | undefined;
  #isStarted = false;
  #isClosed = false;

  constructor(
    options: EdgeRuntimeOptions,
    registry: Registry,
    ways: DeliveryWays,
    board: NoticeBoard,
    triggerMemories: Map<string, TriggerMemory>,
  ) {
    const { config, logger } = options;
    this.#configuration = new ConfigurationState(config, (configuration) =>
      board.publish({ kind: 'configuration', configuration }),
    );
    this.version = options.version;
    this.#logger = logger;
    this.#registry = registry;
    this.#board = board;
    const faults = new FaultLog(logger);
    this.#pictures = new Pictures(config.limits.maxImagePixels);
    this.#liveView = new LiveView(this.#pictures, config.liveView, faults);
    this.#captureStore = new CaptureStore({
      registry,
      dataFolder: config.dataFolder,
      retention: config.retention,
    });
    this.delivery = new Delivery({
      config,
      registry,
      ways,
      faults,
      fileOf: (capture) => this.#captureStore.fileOf(capture),
    });
    this.#modelStore = new ModelStore(config.dataFolder);
    const { onnxRuntimeLibrary: folder } = config;
    this.#retention = new Retention({ registry, retention: config.retention, faults });
    this.#metrics = new Metrics({
      cameras: () => this.cameras(),
      models: () => this.#models.statuses(),
      configuration: () => this.configurationStatus(),
      registry: () => registryReadings(registry),
      delivery: () => this.deliveryStatus(),
    });
    this.#models = new ModelFleet({
      config,
      registry,
      store: this.#modelStore,
      library: folder === undefined ? undefined : new RuntimeLibrary(folder),
      logger,
      faults,
      notices: board.notices,
      publish: board.publish,
      notify: board.notify,
      onChange: (change) => this.#metrics.countModelChange(change),
    });
    const { channel } = ways;
    this.#outputs = new Outputs({ channel, registry, readSecret: options.readSecret, faults });
    this.#triggers = new TriggerSources({
      ...{ channel, faults },
      trigger: (camera, request) => this.trigger(camera, request),
    });
    const onResult = (result: InferenceResult) => board.publish({ kind: 'result', result });
    this.#requests = new PictureRequests({
      config: () => this.config,
      models: this.#models,
      registry,
      metrics: this.#metrics,
      onResult,
    });
    this.#cameras = new CameraFleet({
      config,
      logger,
      modelOf: (model) => this.#models.cameraModel(model),
      candidatesOf: (model) => this.#models.candidatesOf(model),
      triggerMemories,
      onVerdict: (result) => this.#outputs.tell(result),
      readSecret: options.readSecret,
      registry,
      captureStore: this.#captureStore,
      snapshots: new Snapshots(),
      pictures: this.#pictures,
      liveView: this.#liveView,
      metrics: this.#metrics,
      faults,
      onChange: (camera) => board.publish({ kind: 'camera', camera }),
      onResult,
    });
  }

  start(): void {
    this.#models.start();
    void this.#outputs.use(this.config.outputs);
    this.#cameras.start();
    void this.#triggers.use(this.config.triggers);
    void this.#looked(this.#captureStore.start(), 'captures');
    void this.#looked(this.#modelStore.cleanUp(), 'models');
    this.#retention.start();
    this.delivery.start();
    this.#statusTimer = setInterval(() => {
      if (!this.#board.hasListeners) return;
      for (const camera of this.cameras()) this.#board.publish({ kind: 'camera', camera });
    }, STATUS_INTERVAL_MS);
    this.#isStarted = true;
  }

  get config(): RuntimeConfig {
    return this.#configuration.config;
  }

  configurationStatus(): ConfigurationStatus {
    return this.#configuration.status();
  }

  /** Something was asked for that is not going to be in force, for the status to say so. */
  refuseConfiguration(reason: VedetteError): void {
    this.#configuration.refuse(reason);
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
      models: this.#models,
      cameras: this.#cameras,
      logger: this.#logger,
      isClosed: () => this.#isClosed,
      useLimits: (config: RuntimeConfig) => this.#useLimits(config),
    };
    return this.#configuration.change(async (takes) => {
      await applyConfiguration(parts, this.config, next, takes);
      await this.#outputs.use(next.outputs);
      await this.#triggers.use(next.triggers);
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
    return this.#cameras.statuses();
  }

  camera(name: string): CameraStatus {
    return this.#cameras.station(name).status();
  }

  models(): readonly ModelStatus[] {
    return this.#models.allStatuses();
  }

  model(name: string): ModelStatus {
    return this.#models.cameraModel(name).status();
  }

  async inferPicture(request: PictureRequest): Promise<InferenceResult> {
    return this.#requests.inferAndStore(request);
  }

  async inferRaw(model: string, data: Uint8Array<ArrayBuffer>): Promise<InferenceAnswer> {
    return this.#requests.infer(model, data);
  }

  async inferTensors(model: string, request: TensorRequest): Promise<TensorAnswer> {
    return this.#requests.inferTensors(model, request);
  }

  async inferPictureTensors(
    model: string,
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    return this.#requests.inferPictureTensors(model, data, outputs);
  }

  async pushFrame(camera: string, frame: PushedFrame): Promise<InferenceResult> {
    return this.#cameras.station(camera).push(frame.data, frame.context, frame.fileName);
  }

  trigger(camera: string, request: TriggerRequest): TriggerAnswer {
    return this.#cameras.station(camera).trigger(request);
  }

  outputs(): readonly OutputStatus[] {
    return this.#outputs.statuses();
  }

  async outputRecords(
    resultId: string | undefined,
    limit: number,
  ): Promise<readonly OutputRecord[]> {
    return this.#registry.outputRecords(resultId, limit);
  }

  async transactions(camera: string, limit: number): Promise<readonly TransactionRecord[]> {
    return this.#registry.transactions(camera, limit);
  }

  async transaction(id: string): Promise<TransactionRecord> {
    return this.#registry.transaction(id);
  }

  async results(query: ResultQuery): Promise<Page<InferenceResult>> {
    return this.#registry.results(query);
  }

  async result(id: string): Promise<InferenceResult> {
    return this.#registry.result(id);
  }

  async changeModel(
    name: string,
    request: ModelChangeRequest,
    cause?: ChangeCause,
  ): Promise<ModelStatus> {
    return this.#models.change(name, request, cause);
  }

  async modelChanges(name: string, limit: number): Promise<readonly ModelChangeRecord[]> {
    this.#models.model(name);
    return this.#registry.modelChanges(name, limit);
  }

  async shadows(query: ShadowQuery): Promise<readonly ShadowResult[]> {
    this.#models.model(query.model);
    return this.#registry.shadows(query);
  }

  async labelResult(label: VerdictLabel): Promise<void> {
    await this.#registry.labelResult(label);
    await this.#models.labelled();
  }

  async captures(query: CaptureQuery): Promise<Page<StoredCapture>> {
    return this.#registry.captures(query);
  }

  async capture(id: string): Promise<{ capture: StoredCapture; imageFile: string }> {
    const capture = await this.#registry.capture(id);
    return { capture, imageFile: this.#captureStore.fileOf(capture) };
  }

  async snapshot(camera: string, signal: AbortSignal): Promise<StoredCapture> {
    return this.#cameras.station(camera).snapshot(signal);
  }

  async restartCamera(camera: string): Promise<void> {
    this.#cameras.station(camera).restart();
  }

  async uploadCapture(id: string): Promise<{ readonly key: string; readonly byteLength: number }> {
    return this.delivery.uploadCapture(await this.#registry.capture(id));
  }

  busyReasons(): readonly string[] {
    return [...this.inspectionReasons(), ...this.#cameras.busyReasons()];
  }

  inspectionReasons(): readonly string[] {
    return this.inspections.list().map(({ name }) => `a part is under inspection: ${name}`);
  }

  notices(): readonly Notice[] {
    return this.#board.notices;
  }

  deliveryStatus(): Promise<DeliveryStatus> {
    return this.delivery.status();
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    return this.#board.subscribe(listener);
  }

  watchCamera(name: string, listener: (jpeg: Uint8Array) => void): () => void {
    return this.#liveView.watch(name, listener);
  }

  countHttpError(code: ErrorCode): void {
    this.#metrics.countHttpError(code);
  }

  async metrics(): Promise<{ readonly text: string; readonly contentType: string }> {
    return this.#metrics.render();
  }

  /**
   * Stops cameras, lets models end what they run, closes the registry last. `isInsideRun`: a model
   * is still running, so that only a kill ends the process without an abort.
   */
  async close(): Promise<{ readonly isInsideRun: boolean }> {
    this.#isClosed = true;
    clearInterval(this.#statusTimer);
    await this.#triggers.close();
    const cameras = this.#cameras.close();
    const models = this.#models.close(DRAIN_MS);
    await cameras;
    await this.#outputs.close();
    const delivery = this.delivery.close();
    const { isInsideRun } = await models;
    await this.#pictures.close();
    await this.#retention.close();
    await this.#captureStore.close();
    await delivery;
    await this.#registry.close();
    return { isInsideRun };
  }

  /** What holds without anything being started anew. */
  #useLimits({ limits, liveView, retention, log }: RuntimeConfig): void {
    this.#pictures.limitPixels(limits.maxImagePixels);
    this.#liveView.configure(liveView);
    this.#captureStore.configure(retention);
    this.#retention.configure(retention);
    if (log.level !== this.config.log.level) this.#logger.level = log.level;
  }

  /** What a crash left can wait: that it cannot be looked through now is no reason to stop. */
  async #looked(work: Promise<void>, what: string): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      this.#logger.error({ error }, `${what} that a crash left could not be looked through`);
    }
  }
}
