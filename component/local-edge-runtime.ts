import { redactSetting } from './configuration/redact-setting.ts';
import type { RuntimeConfig } from './contract/config.ts';
import type { SecretReference } from './contract/config-values.ts';
import { VedetteError, type ErrorCode } from './contract/errors.ts';
import { WHOLE_FRAME } from './contract/frame.ts';
import type {
  CameraStatus,
  CaptureQuery,
  InferenceAnswer,
  InferenceRequest,
  ModelStatus,
  Notice,
  Page,
  ResultQuery,
  RuntimeEvent,
  StoredCapture,
  TensorAnswer,
  TensorRequest,
} from './contract/ports.ts';
import type { ModelChangeRecord, ModelChangeRequest } from './contract/model-lifecycle.ts';
import type { InferenceResult } from './contract/result.ts';
import type { ShadowQuery, ShadowResult, VerdictLabel } from './contract/verdict-comparison.ts';
import { CaptureRules } from './delivery/capture-rules.ts';
import { CaptureStore } from './delivery/capture-store.ts';
import { Retention } from './delivery/retention.ts';
import { inferPicture } from './inference/chain/camera-model.ts';
import { RuntimeLibrary } from './inference/execution/runtime-library.ts';
import { ModelStore } from './inference/model-store/model-store.ts';
import { ModelFleet } from './model-fleet.ts';
import { FaultLog } from './logging/fault-log.ts';
import type { Logger } from './logging/create-logger.ts';
import { CameraStation } from './pipeline/camera-station.ts';
import { composeResult } from './pipeline/compose-result.ts';
import { judge } from './pipeline/judge.ts';
import { LiveView } from './pipeline/live-view.ts';
import { Metrics } from './pipeline/metrics.ts';
import { Pictures } from './pipeline/pictures.ts';
import { Registry } from './registry/registry.ts';
import type { EdgeRuntime, ModelReadiness, PictureRequest, PushedFrame } from './edge-runtime.ts';

export interface EdgeRuntimeOptions {
  readonly config: RuntimeConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
}

/** Longest wait for models to end what they run when the process stops, in milliseconds. */
const DRAIN_MS = 4000;
/** How often live viewers hear of rates that changed, in milliseconds. */
const STATUS_INTERVAL_MS = 1000;
const MAX_NOTICES = 100;
/** Older notices stay in the registry, but no longer on the page, in milliseconds. */
const NOTICE_AGE_MS = 7 * 24 * 3_600_000;

/**
 * Opens the registry, then starts models and cameras without waiting for them.
 * @throws VedetteError REGISTRY_UNAVAILABLE, DATA_FOLDER_LOCKED, STORAGE_FULL
 */
export async function startEdgeRuntime(options: EdgeRuntimeOptions): Promise<LocalEdgeRuntime> {
  const notices: Notice[] = [];
  const listeners = new Set<(event: RuntimeEvent) => void>();
  const publish = (event: RuntimeEvent) => {
    for (const listener of listeners) listener(event);
  };
  const onNotice = (notice: Notice) => {
    notices.push(notice);
    if (notices.length > MAX_NOTICES) notices.shift();
    options.logger[notice.level]({ error: notice.error }, notice.error.message);
    publish({ kind: 'notice', notice });
  };
  const registry = await Registry.open({ dataFolder: options.config.dataFolder, onNotice });
  notices.unshift(...(await earlierNotices(registry, options.logger)));
  const runtime = new LocalEdgeRuntime(options, registry, {
    notices,
    listeners,
    publish,
    notify: onNotice,
  });
  try {
    runtime.start();
  } catch (error) {
    // Models, cameras and the registry that began already would keep the process alive.
    await runtime.close();
    throw error;
  }
  return runtime;
}

/** Those of earlier runs: who comes in the morning should see what happened at night. */
async function earlierNotices(registry: Registry, logger: Logger): Promise<Notice[]> {
  const openedAtMs = performance.timeOrigin;
  try {
    return (await registry.notices(MAX_NOTICES))
      .filter(({ atMs }) => atMs < openedAtMs && atMs > openedAtMs - NOTICE_AGE_MS)
      .toReversed();
  } catch (thrown) {
    logger.warn({ error: VedetteError.from(thrown) }, 'earlier notices could not be read');
    return [];
  }
}

interface Hearing {
  readonly notices: readonly Notice[];
  readonly listeners: Set<(event: RuntimeEvent) => void>;
  readonly publish: (event: RuntimeEvent) => void;
  readonly notify: (notice: Notice) => void;
}

/** The edge runtime of this process. */
export class LocalEdgeRuntime implements EdgeRuntime {
  readonly config: RuntimeConfig;
  readonly version: string;
  readonly startedAtMs = Date.now();
  readonly #registry: Registry;
  readonly #hearing: Hearing;
  readonly #logger: Logger;
  readonly #models: ModelFleet;
  readonly #stations = new Map<string, CameraStation>();
  readonly #pictures: Pictures;
  readonly #liveView: LiveView;
  readonly #metrics: Metrics;
  readonly #captureStore: CaptureStore;
  readonly #retention: Retention;
  readonly #modelStore: ModelStore;
  #statusTimer: NodeJS.Timeout | undefined;
  #requests = 0;
  #isStarted = false;

  constructor(options: EdgeRuntimeOptions, registry: Registry, hearing: Hearing) {
    const { config, logger } = options;
    this.config = config;
    this.version = options.version;
    this.#logger = logger;
    this.#registry = registry;
    this.#hearing = hearing;
    const faults = new FaultLog(logger);
    this.#pictures = new Pictures(config.limits.maxImagePixels);
    this.#liveView = new LiveView(this.#pictures, config.liveView, faults);
    this.#captureStore = new CaptureStore({
      registry,
      dataFolder: config.dataFolder,
      retention: config.retention,
    });
    this.#modelStore = new ModelStore(config.dataFolder);
    const { onnxRuntimeLibrary: folder } = config;
    this.#retention = new Retention({ registry, retention: config.retention, faults });
    this.#metrics = new Metrics({
      cameras: () => this.cameras(),
      models: () => this.#models.statuses(),
      registry: () => registryReadings(registry),
    });
    this.#models = new ModelFleet({
      config,
      registry,
      store: this.#modelStore,
      library: folder === undefined ? undefined : new RuntimeLibrary(folder),
      logger,
      faults,
      ...hearing,
      onChange: (change) => this.#metrics.countModelChange(change),
    });
    const captureRules = new CaptureRules(config.captures);
    for (const name of Object.keys(config.cameras)) {
      const station = new CameraStation({
        name,
        config,
        modelOf: (model) => this.#models.cameraModel(model),
        candidatesOf: (model) => this.#models.candidatesOf(model),
        readSecret: options.readSecret,
        registry,
        captureRules,
        captureStore: this.#captureStore,
        pictures: this.#pictures,
        liveView: this.#liveView,
        metrics: this.#metrics,
        faults,
        onChange: (status) => this.#onCameraChange(status),
        onResult: (result) => hearing.publish({ kind: 'result', result }),
      });
      this.#stations.set(name, station);
    }
  }

  start(): void {
    this.#models.start();
    for (const [name, station] of this.#stations) {
      station.start();
      const config = JSON.stringify(redactSetting(this.config.cameras[name], `cameras.${name}`));
      void this.#recorded(this.#registry.upsertCamera(name, config), `camera ${name}`);
    }
    void this.#openCaptures();
    void this.#recorded(this.#modelStore.cleanUp(), 'leftovers in the model store');
    this.#retention.start();
    this.#statusTimer = setInterval(() => {
      if (this.#hearing.listeners.size === 0) return;
      for (const camera of this.cameras()) this.#hearing.publish({ kind: 'camera', camera });
    }, STATUS_INTERVAL_MS);
    this.#isStarted = true;
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  readiness(): ModelReadiness {
    const models = this.models();
    return { isReady: models.every((model) => model.state === 'ready'), models };
  }

  cameras(): readonly CameraStatus[] {
    return [...this.#stations.values()].map((station) => station.status());
  }

  camera(name: string): CameraStatus {
    return this.#station(name).status();
  }

  models(): readonly ModelStatus[] {
    return this.#models.allStatuses();
  }

  model(name: string): ModelStatus {
    return this.#models.cameraModel(name).status();
  }

  async inferPicture(request: PictureRequest): Promise<InferenceResult> {
    const takenAtMs = performance.now();
    const capturedAtMs = Date.now();
    const answer = await this.inferRaw(request.model, request.data);
    const origin = {
      thing: this.config.thing,
      ...(request.context ? { context: request.context } : {}),
      frame: {
        ...answer.picture,
        sequence: this.#requests++,
        capturedAtMs,
        ...(request.fileName === undefined ? {} : { fileName: request.fileName }),
      },
      takenAtMs,
    };
    const result = composeResult(origin, answer, judge([], answer.findings));
    const stored = await this.#registry.appendResult(result, { durability: 'promised' });
    this.#metrics.countResult('http', stored.model.name, stored);
    this.#hearing.publish({ kind: 'result', result: stored });
    return stored;
  }

  async inferRaw(model: string, data: Uint8Array<ArrayBuffer>): Promise<InferenceAnswer> {
    const request: InferenceRequest = {
      image: { kind: 'encoded', data },
      view: WHOLE_FRAME,
      thresholds: { labels: {} },
      wantsAnomalyMap: false,
    };
    const { tiling } = this.config.models[model] ?? {};
    return inferPicture(this.#models.cameraModel(model), request, tiling);
  }

  async inferTensors(model: string, request: TensorRequest): Promise<TensorAnswer> {
    return this.#models.model(model).host.inferTensors(request);
  }

  async inferPictureTensors(
    model: string,
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    return this.#models.model(model).host.inferPictureTensors(data, outputs);
  }

  async pushFrame(camera: string, frame: PushedFrame): Promise<InferenceResult> {
    return this.#station(camera).push(frame.data, frame.context, frame.fileName);
  }

  async results(query: ResultQuery): Promise<Page<InferenceResult>> {
    return this.#registry.results(query);
  }

  async result(id: string): Promise<InferenceResult> {
    return this.#registry.result(id);
  }

  async changeModel(name: string, request: ModelChangeRequest): Promise<ModelStatus> {
    return this.#models.change(name, request);
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

  notices(): readonly Notice[] {
    return this.#hearing.notices;
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    const own = (event: RuntimeEvent) => listener(event);
    this.#hearing.listeners.add(own);
    return () => this.#hearing.listeners.delete(own);
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
    clearInterval(this.#statusTimer);
    const stations = [...this.#stations.values()].map((station) => station.close());
    const models = this.#models.close(DRAIN_MS);
    await Promise.all(stations);
    const { isInsideRun } = await models;
    await this.#pictures.close();
    await this.#retention.close();
    await this.#captureStore.close();
    await this.#registry.close();
    return { isInsideRun };
  }

  /** What the registry knows of models and cameras is for reading back; a failure is no reason to stop. */
  async #recorded(recording: Promise<void>, what: string): Promise<void> {
    try {
      await recording;
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      this.#logger.warn({ error }, `${what} could not be recorded or removed`);
    }
  }

  async #openCaptures(): Promise<void> {
    try {
      await this.#captureStore.start();
    } catch (thrown) {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      this.#logger.error({ error }, 'captures that a crash left could not be looked through');
    }
  }

  #onCameraChange(camera: CameraStatus): void {
    const fields = { camera: camera.name, state: camera.state, reason: camera.reason };
    const isWell = camera.state === 'running' || camera.state === 'ended';
    this.#logger[isWell ? 'info' : 'warn'](fields, `camera ${camera.name} is ${camera.state}`);
    this.#hearing.publish({ kind: 'camera', camera });
  }

  #station(name: string): CameraStation {
    const station = this.#stations.get(name);
    if (station) return station;
    throw new VedetteError(
      'CAMERA_NOT_FOUND',
      `No camera is named ${name}; ${known(this.#stations)}`,
    );
  }
}

const known = (map: ReadonlyMap<string, unknown>): string =>
  map.size === 0
    ? 'none is configured'
    : `configured are ${[...map.keys()].slice(0, 20).join(', ')}`;

async function registryReadings(registry: Registry): Promise<Record<string, number>> {
  const store = await registry.statistics();
  return {
    results: store.results,
    captures: store.captures,
    capture_bytes: store.captureBytes,
    database_bytes: store.databaseBytes,
    pending: store.writesWaiting + store.retained,
    given_up: store.givenUp,
  };
}
