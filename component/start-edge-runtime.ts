import { join } from 'node:path';
import { CameraFleet } from './camera-fleet.ts';
import { ConfigurationState } from './configuration/configuration-state.ts';
import type { RuntimeConfig } from './contract/config.ts';
import type { SecretReference } from './contract/config-values.ts';
import { VedetteError } from './contract/errors.ts';
import type { MessageChannel } from './contract/message-channel.ts';
import type { Notice } from './contract/ports.ts';
import type { InferenceResult } from './contract/result.ts';
import { ClipStore } from './delivery/clip-store.ts';
import { CaptureStore } from './delivery/capture-store.ts';
import { Delivery, openDeliveryWays, outboxSettings } from './delivery/delivery.ts';
import type { DeliveryWays } from './delivery/delivery.ts';
import { Outputs } from './delivery/outputs/outputs.ts';
import { Retention } from './delivery/retention.ts';
import { FrameWatchers } from './pipeline/triggers/frame-watchers.ts';
import { TriggerSources } from './pipeline/triggers/trigger-sources.ts';
import { RuntimeLibrary } from './inference/execution/runtime-library.ts';
import { ModelStore } from './inference/model-store/model-store.ts';
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
import { Registry } from './registry/registry.ts';
import { LocalEdgeRuntime } from './local-edge-runtime.ts';
import type { RuntimeParts } from './runtime-parts.ts';

export interface EdgeRuntimeOptions {
  readonly config: RuntimeConfig;
  readonly version: string;
  readonly logger: Logger;
  readonly readSecret: (reference: SecretReference) => Promise<string>;
  /** The nucleus, where the runtime is its component; closed by who opened it. */
  readonly greengrass?: MessageChannel;
}

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
  const parts = composeParts({ options, registry, ways, board, triggerMemories });
  const runtime = new LocalEdgeRuntime(options.version, parts);
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

interface Foundation {
  readonly options: EdgeRuntimeOptions;
  readonly registry: Registry;
  readonly ways: DeliveryWays;
  readonly board: NoticeBoard;
  readonly triggerMemories: Map<string, TriggerMemory>;
}

/** The parts of a runtime, each given those that it needs. Nothing of it has begun. */
function composeParts(foundation: Foundation): RuntimeParts {
  const { options, registry, ways, board, triggerMemories } = foundation;
  const { config, logger } = options;
  const configuration = new ConfigurationState(config, (status) =>
    board.publish({ kind: 'configuration', configuration: status }),
  );
  const faults = new FaultLog(logger);
  const pictures = new Pictures(config.limits.maxImagePixels);
  const liveView = new LiveView(pictures, config.liveView, faults);
  const captureStore = new CaptureStore({
    registry,
    dataFolder: config.dataFolder,
    retention: config.retention,
  });
  const notify = (notice: Notice): void => {
    board.notify(notice);
    registry.appendNotice(notice).catch((thrown: unknown) => {
      const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
      logger.warn({ error }, 'a notice could not be stored');
    });
  };
  const clips = new ClipStore({
    dataFolder: config.dataFolder,
    retention: config.retention,
    onOutcome: (outcome, count, error) => {
      metrics.countClips(outcome, count);
      if (error) notify({ atMs: Date.now(), level: 'warn', error: error.serialize() });
    },
  });
  const delivery = new Delivery({
    config,
    registry,
    ways,
    faults,
    fileOf: (capture) => captureStore.fileOf(capture),
  });
  const modelStore = new ModelStore(config.dataFolder);
  const { onnxRuntimeLibrary: folder } = config;
  const retention = new Retention({ registry, retention: config.retention, faults });
  const metrics = new Metrics({
    cameras: () => cameras.statuses(),
    models: () => models.statuses(),
    configuration: () => configuration.status(),
    registry: () => registryReadings(registry),
    delivery: () => delivery.status(),
    triggers: () => triggers.statuses(),
    outputs: () => outputs.statuses(),
  });
  const models = new ModelFleet({
    config,
    registry,
    store: modelStore,
    library: folder === undefined ? undefined : new RuntimeLibrary(folder),
    logger,
    faults,
    notices: board.notices,
    publish: board.publish,
    notify: board.notify,
    onChange: (change) => metrics.countModelChange(change),
  });
  const { channel } = ways;
  const { readSecret } = options;
  const certificateFolder = join(config.dataFolder, 'opcua');
  const outputs = new Outputs({ channel, registry, readSecret, faults, certificateFolder });
  const frameWatchers = new FrameWatchers(pictures);
  const triggers: TriggerSources = new TriggerSources({
    ...{ channel, faults, readSecret, certificateFolder, frames: frameWatchers },
    trigger: (camera, request) => cameras.station(camera).trigger(request),
  });
  const onResult = (result: InferenceResult) => board.publish({ kind: 'result', result });
  const requests = new PictureRequests({
    config: () => configuration.config,
    models,
    registry,
    metrics,
    onResult,
  });
  const cameras: CameraFleet = new CameraFleet({
    config,
    logger,
    modelOf: (model) => models.cameraModel(model),
    candidatesOf: (model) => models.candidatesOf(model),
    triggerMemories,
    frameWatchers,
    onVerdict: (result) => outputs.tell(result),
    readSecret: options.readSecret,
    registry,
    captureStore,
    clips,
    snapshots: new Snapshots(),
    pictures,
    liveView,
    metrics,
    faults,
    onChange: (camera) => {
      board.publish({ kind: 'camera', camera });
      frameWatchers.heed(camera);
    },
    notify,
    onResult,
  });
  return {
    registry,
    board,
    notify,
    configuration,
    logger,
    models,
    cameras,
    pictures,
    liveView,
    metrics,
    captureStore,
    clips,
    retention,
    modelStore,
    requests,
    outputs,
    triggers,
    delivery,
  };
}
