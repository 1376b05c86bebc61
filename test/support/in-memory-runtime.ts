import type { ConfigurationStatus } from '../../component/contract/configuration-status.ts';
import { runtimeConfigSchema } from '../../component/contract/config.ts';
import type { RuntimeConfig } from '../../component/contract/config.ts';
import { VedetteError, type ErrorCode } from '../../component/contract/errors.ts';
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
} from '../../component/contract/ports.ts';
import type {
  ModelChangeRecord,
  ModelChangeRequest,
} from '../../component/contract/model-lifecycle.ts';
import type { DeliveryStatus } from '../../component/contract/delivery.ts';
import type { InferenceResult, ModelIdentity } from '../../component/contract/result.ts';
import type {
  ShadowQuery,
  ShadowResult,
  VerdictLabel,
} from '../../component/contract/verdict-comparison.ts';
import type {
  TransactionRecord,
  TriggerAnswer,
  TriggerRequest,
  TriggerSourceStatus,
} from '../../component/contract/transaction.ts';
import type { OutputRecord, OutputStatus } from '../../component/contract/output.ts';
import { InspectionHolds } from '../../component/inspection-holds.ts';
import type { EdgeRuntime, PictureRequest, PushedFrame } from '../../component/edge-runtime.ts';

/**
 * A runtime without cameras and models, whose every answer a test decides: for what the real one
 * cannot be made to do on demand (bursts of events, silent cameras, odd tensors, defects).
 */
export class InMemoryRuntime implements EdgeRuntime {
  config: RuntimeConfig = runtimeConfigSchema.parse({ thing: 'station-7' });
  readonly version = '0.1.0';
  readonly startedAtMs = Date.now();
  isStarted = true;
  readonly inspections = new InspectionHolds();
  readonly restarted: string[] = [];
  /** Resolves, or waits for the end of the signal, as a test decides. */
  snapshotWith: (camera: string, signal: AbortSignal) => Promise<StoredCapture> = () =>
    Promise.reject(new VedetteError('CAMERA_NOT_FOUND', 'no snapshot is prepared'));

  delivery: DeliveryStatus = {
    isEnabled: false,
    waiting: { alarms: 0, others: 0, bytes: 0 },
    oldestAgeMs: 0,
    capturesWaiting: 0,
    givenUp: { budget: 0, expired: 0, 'captures-disk-budget': 0, 'captures-failed': 0 },
  };
  cameraList: CameraStatus[] = [];
  modelList: ModelStatus[] = [];
  noticeList: Notice[] = [];
  resultList: InferenceResult[] = [];
  readonly resultQueries: ResultQuery[] = [];
  readonly httpErrors: ErrorCode[] = [];
  readonly pictureRequests: PictureRequest[] = [];
  readonly pushedFrames: (PushedFrame & { camera: string })[] = [];
  readonly tensorRequests: TensorRequest[] = [];
  readonly pictureTensors: { data: Uint8Array; outputs?: readonly string[] | undefined }[] = [];
  tensorAnswer: (request: TensorRequest) => TensorAnswer['outputs'] = () => [];
  inferPictureWith: (request: PictureRequest) => Promise<InferenceResult> = async () =>
    sampleResult();
  captureFile: string | undefined;
  readonly listeners = new Set<(event: RuntimeEvent) => void>();
  readonly viewers = new Set<(jpeg: Uint8Array) => void>();

  emit(event: RuntimeEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  showPicture(jpeg: Uint8Array): void {
    for (const viewer of this.viewers) viewer(jpeg);
  }

  configuration: ConfigurationStatus = {
    hash: '0123456789abcdef',
    inForceSinceMs: 0,
    isApplying: false,
  };
  configurationStatus = () => this.configuration;

  readiness() {
    return {
      isReady: this.modelList.every(({ state }) => state === 'ready'),
      models: this.modelList,
    };
  }
  cameras = () => this.cameraList;
  models = () => this.modelList;
  notices = () => this.noticeList;
  notify = (notice: Notice) => void this.noticeList.push(notice);
  snapshot = (camera: string, signal: AbortSignal) => this.snapshotWith(camera, signal);
  uploadCapture = (id: string) => Promise.resolve({ key: id, byteLength: 1 });
  inspectionReasons = () => this.busyReasons();
  busyReasons = () => this.inspections.list().map(({ name }) => name);
  async restartCamera(name: string): Promise<void> {
    this.restarted.push(this.camera(name).name);
  }

  camera(name: string): CameraStatus {
    const found = this.cameraList.find((camera) => camera.name === name);
    if (found) return found;
    throw new VedetteError('CAMERA_NOT_FOUND', `No camera is named ${name}`);
  }

  model(name: string): ModelStatus {
    const found = this.modelList.find((model) => model.name === name);
    if (found) return found;
    throw new VedetteError('MODEL_NOT_FOUND', `No model is named ${name}`);
  }

  async inferPicture(request: PictureRequest): Promise<InferenceResult> {
    this.pictureRequests.push(request);
    return this.inferPictureWith(request);
  }

  async inferRaw(): Promise<InferenceAnswer> {
    throw new VedetteError('INTERNAL', 'not used by any route');
  }

  async inferTensors(model: string, request: TensorRequest): Promise<TensorAnswer> {
    this.tensorRequests.push(request);
    return this.#answer(model, this.tensorAnswer(request), request.outputs);
  }

  async inferPictureTensors(
    model: string,
    data: Uint8Array<ArrayBuffer>,
    outputs?: readonly string[],
  ): Promise<TensorAnswer> {
    this.pictureTensors.push({ data, outputs });
    return this.#answer(model, this.tensorAnswer({ inputs: [] }), outputs);
  }

  async pushFrame(camera: string, frame: PushedFrame): Promise<InferenceResult> {
    this.pushedFrames.push({ camera, ...frame });
    return sampleResult({ camera });
  }

  triggerWith: (camera: string, request: TriggerRequest) => TriggerAnswer = () => {
    throw new VedetteError('CAMERA_NOT_TRIGGERED', 'no trigger is prepared');
  };
  trigger = (camera: string, request: TriggerRequest) => this.triggerWith(camera, request);

  line: {
    triggers: TriggerSourceStatus[];
    outputs: OutputStatus[];
    records: OutputRecord[];
    transactions: TransactionRecord[];
  } = { triggers: [], outputs: [], records: [], transactions: [] };
  triggerSources = (): readonly TriggerSourceStatus[] => this.line.triggers;
  outputs = (): readonly OutputStatus[] => this.line.outputs;

  async outputRecords(): Promise<readonly OutputRecord[]> {
    return this.line.records;
  }

  recordOutput(record: OutputRecord): void {
    this.line.records.push(record);
  }

  async transactions(): Promise<readonly TransactionRecord[]> {
    return this.line.transactions;
  }

  async transaction(id: string): Promise<TransactionRecord> {
    throw new VedetteError('NOT_FOUND', `No transaction has the id ${id}`);
  }

  async results(query: ResultQuery): Promise<Page<InferenceResult>> {
    this.resultQueries.push(query);
    return { items: this.resultList.slice(0, query.limit) };
  }

  async result(id: string): Promise<InferenceResult> {
    const found = this.resultList.find((result) => result.id === id);
    if (found) return found;
    throw new VedetteError('NOT_FOUND', `No result has the id ${id}`);
  }

  readonly modelChangeRequests: { readonly name: string; readonly request: ModelChangeRequest }[] =
    [];
  readonly verdictLabels: VerdictLabel[] = [];

  async changeModel(name: string, request: ModelChangeRequest): Promise<ModelStatus> {
    this.modelChangeRequests.push({ name, request });
    return this.model(name);
  }

  async modelChanges(name: string): Promise<readonly ModelChangeRecord[]> {
    this.model(name);
    return [];
  }

  async shadows({ model }: ShadowQuery): Promise<readonly ShadowResult[]> {
    this.model(model);
    return [];
  }

  async labelResult(label: VerdictLabel): Promise<void> {
    await this.result(label.resultId);
    this.verdictLabels.push(label);
  }

  async captures(_query: CaptureQuery): Promise<Page<StoredCapture>> {
    return { items: [] };
  }

  clipFile(id: string): Promise<string> {
    return Promise.reject(new VedetteError('NOT_FOUND', `There is no clip ${id}`));
  }

  async capture(id: string): Promise<{ capture: StoredCapture; imageFile: string }> {
    if (this.captureFile === undefined) {
      throw new VedetteError('NOT_FOUND', `No capture has the id ${id}`);
    }
    const capture: StoredCapture = {
      id,
      resultId: 'r',
      camera: 'walkway',
      capturedAtMs: 0,
      imagePath: 'a.jpg',
      byteLength: 1,
      rule: 'fails',
      outcome: 'fail',
    };
    return { capture, imageFile: this.captureFile };
  }

  async deliveryStatus(): Promise<DeliveryStatus> {
    return this.delivery;
  }

  subscribe(listener: (event: RuntimeEvent) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  watchCamera(name: string, listener: (jpeg: Uint8Array) => void): () => void {
    this.camera(name);
    this.viewers.add(listener);
    return () => this.viewers.delete(listener);
  }

  countHttpError(code: ErrorCode): void {
    this.httpErrors.push(code);
  }

  async metrics() {
    return { text: 'vedette_up 1\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' };
  }

  #answer(
    model: string,
    outputs: TensorAnswer['outputs'],
    wanted: readonly string[] | undefined,
  ): TensorAnswer {
    return {
      model: this.model(model).identity ?? sampleIdentity(model),
      outputs: wanted ? outputs.filter((output) => wanted.includes(output.name)) : outputs,
      timings: { queueMs: 1, runMs: 2 },
    };
  }
}

export function sampleIdentity(name: string): ModelIdentity {
  return {
    name,
    version: '2.3.1',
    sha256: 'a'.repeat(64),
    variant: 'fp32',
    executionProvider: 'cpu',
  };
}

export function sampleModel(name: string, change: Partial<ModelStatus> = {}): ModelStatus {
  return {
    name,
    state: 'ready',
    stateSinceMs: 0,
    identity: sampleIdentity(name),
    inputs: [{ name: 'x', dtype: 'float32', shape: ['batch', 3] }],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['batch', 3] }],
    workers: 1,
    readyWorkers: 1,
    queueDepth: 0,
    inFlight: 0,
    inferences: 0,
    failures: 0,
    replacements: 0,
    ...change,
  };
}

export function sampleCamera(name: string, change: Partial<CameraStatus> = {}): CameraStatus {
  return {
    name,
    title: name,
    kind: 'folder',
    model: 'coco-detector',
    state: 'running',
    stateSinceMs: 0,
    framesDelivered: 0,
    framesJudged: 0,
    framesDropped: {},
    restarts: 0,
    framesPerSecond: 0,
    stageMs: { queue: 0, preprocess: 0, run: 0, decode: 0, store: 0, total: 0 },
    outcomes: { pass: 0, fail: 0, review: 0, error: 0 },
    ...change,
  };
}

let resultCount = 0;

export function sampleResult(change: Partial<InferenceResult> = {}): InferenceResult {
  resultCount += 1;
  return {
    schemaVersion: 1,
    id: `result-${String(resultCount).padStart(6, '0')}`,
    thing: 'station-7',
    camera: 'walkway',
    model: sampleIdentity('coco-detector'),
    frame: { sequence: resultCount, capturedAt: new Date().toISOString(), width: 768, height: 576 },
    detections: [],
    verdict: { outcome: 'pass', reason: 'no rule' },
    timings: { queueMs: 0.4, preprocessMs: 0.6, runMs: 46.2, decodeMs: 0.1, totalMs: 47.5 },
    ...change,
  };
}
