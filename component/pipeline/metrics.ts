import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { bufferPoolStatistics, type BufferPoolStatistics } from '../../native/index.ts';
import { CAMERA_CONDITIONS } from '../contract/camera-health.ts';
import { DROP_REASONS } from '../contract/frame.ts';
import { addConfigurationReadings } from './configuration-readings.ts';
import type { ConfigurationStatus } from '../contract/configuration-status.ts';
import type { ErrorCode } from '../contract/errors.ts';
import type { ModelChangeRecord } from '../contract/model-lifecycle.ts';
import type { CameraStatus, ModelStatus, Stage } from '../contract/ports.ts';
import { OUTCOMES, type InferenceResult } from '../contract/result.ts';
import type { DeliveryStatus } from '../contract/delivery.ts';
import type { OutputStatus } from '../contract/output.ts';
import type { TriggerSourceStatus } from '../contract/transaction.ts';
import type { ClipOutcome } from '../delivery/clip-store.ts';
import { settledWithin } from '../timing/settled-within.ts';
import { DeliveryMetrics } from './delivery-metrics.ts';
import { addReadings, type Values } from './metric-readings.ts';
import { addSpaceReadings } from './space/space-readings.ts';
import { TransactionMetrics } from './transaction-metrics.ts';
import { VersionMetrics } from './version-metrics.ts';

/** Where the gauges look when Prometheus asks. */
export interface MetricSources {
  readonly cameras: () => readonly CameraStatus[];
  readonly models: () => readonly ModelStatus[];
  readonly configuration: () => ConfigurationStatus;
  readonly registry: () => Promise<Readonly<Record<string, number>>>;
  readonly delivery: () => Promise<DeliveryStatus>;
  readonly triggers: () => readonly TriggerSourceStatus[];
  readonly outputs: () => readonly OutputStatus[];
}

/** Seconds; from a tensor made by the addon to a model that takes its time. */
const STAGE_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

const STORE_ANSWER_MS = 1000;

const STORE_READINGS: Readonly<Record<string, string>> = {
  up: '1 when the database answers',
  results: 'Results stored',
  captures: 'Captures stored',
  capture_bytes: 'Disk taken by captures, in bytes',
  database_bytes: 'Size of the database, in bytes',
  pending: 'Results that wait to be stored',
  given_up: 'Results that could not be stored and were given up',
};

/** Everything on `/metrics`. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #stage: Histogram<'source' | 'model' | 'stage'>;
  readonly #judged: Counter<'source' | 'model' | 'outcome'>;
  readonly #notStored: Counter<'source'>;
  readonly #captures: Counter<'camera' | 'outcome'>;
  readonly #clips: Counter<'outcome'>;
  readonly #httpErrors: Counter<'code'>;
  readonly transactions: TransactionMetrics;
  readonly #versions: VersionMetrics;
  readonly #store: Readonly<Record<string, Gauge>>;
  readonly #storeStatistics: MetricSources['registry'];
  readonly #delivery: DeliveryMetrics;
  readonly #deliveryStatus: MetricSources['delivery'];

  constructor(sources: MetricSources) {
    collectDefaultMetrics({ register: this.#registry });
    const registers = [this.#registry];
    this.#stage = new Histogram({
      name: 'vedette_stage_seconds',
      help: 'Time of a stage of a frame. `source` is a camera, or `http`',
      labelNames: ['source', 'model', 'stage'],
      buckets: STAGE_BUCKETS,
      registers,
    });
    this.#judged = new Counter({
      name: 'vedette_results_total',
      help: 'Results by outcome',
      labelNames: ['source', 'model', 'outcome'],
      registers,
    });
    this.#notStored = new Counter({
      name: 'vedette_results_not_stored_total',
      help: 'Results that were lost because the database did not take them',
      labelNames: ['source'],
      registers,
    });
    this.#captures = new Counter({
      name: 'vedette_captures_total',
      help: 'Captures by how they ended: stored or failed',
      labelNames: ['camera', 'outcome'],
      registers,
    });
    this.#clips = new Counter({
      name: 'vedette_clips_total',
      help: 'Recordings around events: stored, failed, evicted by newer ones, and of a crash: recovered or lost',
      labelNames: ['outcome'],
      registers,
    });
    this.#httpErrors = new Counter({
      name: 'vedette_http_errors_total',
      help: 'Requests answered with an error, by its code',
      labelNames: ['code'],
      registers,
    });
    this.transactions = new TransactionMetrics(this.#registry, sources);
    this.#versions = new VersionMetrics(this.#registry, sources.models);
    addCameraReadings(this.#registry, sources.cameras);
    addHealthReadings(this.#registry, sources.cameras);
    addSpaceReadings(this.#registry, sources.cameras);
    addModelReadings(this.#registry, sources.models);
    addMemoryReadings(this.#registry);
    addConfigurationReadings(this.#registry, sources.configuration);
    this.#store = Object.fromEntries(
      Object.entries(STORE_READINGS).map(([name, help]) => [
        name,
        new Gauge({ name: `vedette_registry_${name}`, help, registers }),
      ]),
    );
    this.#storeStatistics = sources.registry;
    this.#delivery = new DeliveryMetrics(this.#registry);
    this.#deliveryStatus = sources.delivery;
  }

  countResult(source: string, model: string, result: Pick<InferenceResult, 'timings' | 'verdict'>) {
    this.#judged.inc({ source, model, outcome: result.verdict.outcome });
    if (result.verdict.outcome === 'error') return;
    const { queueMs, preprocessMs, runMs, decodeMs, totalMs } = result.timings;
    this.observe(source, model, 'queue', queueMs);
    this.observe(source, model, 'preprocess', preprocessMs);
    this.observe(source, model, 'run', runMs);
    this.observe(source, model, 'decode', decodeMs);
    this.observe(source, model, 'total', totalMs);
  }

  observe(source: string, model: string, stage: Stage, milliseconds: number): void {
    this.#stage.observe({ source, model, stage }, milliseconds / 1000);
  }

  countNotStored(source: string): void {
    this.#notStored.inc({ source });
  }

  countCapture(camera: string, outcome: 'stored' | 'failed'): void {
    this.#captures.inc({ camera, outcome });
  }

  countClips(outcome: ClipOutcome, count: number): void {
    this.#clips.inc({ outcome }, count);
  }

  countModelChange(change: ModelChangeRecord): void {
    this.#versions.count(change);
  }

  countHttpError(code: ErrorCode): void {
    this.#httpErrors.inc({ code });
  }

  async render(): Promise<{ text: string; contentType: string }> {
    const [delivery, statistics] = await Promise.all([
      answerInTime(this.#deliveryStatus()),
      answerInTime(this.#storeStatistics()),
    ]);
    if (delivery?.isEnabled) this.#delivery.set(delivery);
    this.#store['up']?.set(statistics ? 1 : 0);
    for (const [name, value] of Object.entries(statistics ?? {})) this.#store[name]?.set(value);
    return { text: await this.#registry.metrics(), contentType: this.#registry.contentType };
  }
}

/** A database that does not answer must not keep all else from whoever watches. */
async function answerInTime<T>(asked: Promise<T>): Promise<T | undefined> {
  if (!(await settledWithin(asked, STORE_ANSWER_MS))) return undefined;
  return asked.catch(() => undefined);
}

function addCameraReadings(registry: Registry, cameras: MetricSources['cameras']): void {
  const add = (name: string, help: string, value: (camera: CameraStatus) => number) =>
    addReadings(registry, name, help, () =>
      cameras().map((camera) => [{ camera: camera.name }, value(camera)]),
    );
  add('vedette_camera_running', '1 when frames arrive', (c) => (c.state === 'running' ? 1 : 0));
  add('vedette_camera_restarts_total', 'Times the source was opened again', (c) => c.restarts);
  add(
    'vedette_frames_delivered_total',
    'Frames that the source delivered',
    (c) => c.framesDelivered,
  );
  add('vedette_frames_judged_total', 'Frames that got a verdict', (c) => c.framesJudged);
  addReadings(registry, 'vedette_frames_dropped_total', 'Frames without a verdict, by reason', () =>
    cameras().flatMap((camera) =>
      DROP_REASONS.map(
        (reason) => [{ camera: camera.name, reason }, camera.framesDropped[reason] ?? 0] as const,
      ),
    ),
  );
  addReadings(registry, 'vedette_camera_outcomes_total', 'Verdicts since start, by outcome', () =>
    cameras().flatMap((camera) =>
      OUTCOMES.map(
        (outcome) => [{ camera: camera.name, outcome }, camera.outcomes[outcome]] as const,
      ),
    ),
  );
}

/** Only what was measured is said. */
function addHealthReadings(registry: Registry, cameras: MetricSources['cameras']): void {
  addReadings(
    registry,
    'vedette_camera_condition',
    '1 while something is wrong with the pictures of a camera, by what',
    () =>
      cameras().flatMap(({ name, health }) =>
        health === undefined
          ? []
          : CAMERA_CONDITIONS.map((condition) => {
              const isPresent = health.conditions.some(({ kind }) => kind === condition);
              return [{ camera: name, condition }, isPresent ? 1 : 0] as const;
            }),
      ),
  );
}

function addModelReadings(registry: Registry, models: MetricSources['models']): void {
  const add = (name: string, help: string, value: (model: ModelStatus) => number) =>
    addReadings(registry, name, help, () =>
      models().map((model) => [{ model: model.name }, value(model)]),
    );
  add('vedette_model_ready', '1 when the model answers', (m) => (m.state === 'ready' ? 1 : 0));
  add('vedette_model_queue_depth', 'Requests that wait', (m) => m.queueDepth);
  add('vedette_model_in_flight', 'Requests under way', (m) => m.inFlight);
  add('vedette_model_inferences_total', 'Runs that answered', (m) => m.inferences);
  add('vedette_model_failures_total', 'Runs that failed', (m) => m.failures);
  add('vedette_model_replacements_total', 'Workers replaced', (m) => m.replacements);
}

/** The addon's pool of tensor memory; see native/README.md. */
function addMemoryReadings(registry: Registry): void {
  const add = (name: string, help: string, read: (pool: BufferPoolStatistics) => Values) =>
    addReadings(registry, name, help, () => read(bufferPoolStatistics()));
  add('vedette_tensor_memory_bytes', 'Pooled memory for tensors, held or idle', (pool) => [
    [{ state: 'held' }, pool.heldBytes],
    [{ state: 'idle' }, pool.idleBytes],
  ]);
  add('vedette_tensor_buffers', 'Pooled buffers for tensors, held or idle', (pool) => [
    [{ state: 'held' }, pool.held],
    [{ state: 'idle' }, pool.idle],
  ]);
  add(
    'vedette_tensor_buffers_requested_total',
    'Buffers asked for: given out fresh, given out again, refused',
    (pool) => [
      [{ state: 'fresh' }, pool.acquired - pool.reused],
      [{ state: 'reused' }, pool.reused],
      [{ state: 'refused' }, pool.refused],
    ],
  );
}
