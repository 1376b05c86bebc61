import type { CameraFleet } from './camera-fleet.ts';
import type { ConfigurationState } from './configuration/configuration-state.ts';
import { VedetteError } from './contract/errors.ts';
import type { Notice } from './contract/ports.ts';
import type { CaptureStore } from './delivery/capture-store.ts';
import type { ClipStore } from './delivery/clip-store.ts';
import type { Delivery } from './delivery/delivery.ts';
import type { Outputs } from './delivery/outputs/outputs.ts';
import type { Retention } from './delivery/retention.ts';
import type { ModelStore } from './inference/model-store/model-store.ts';
import type { Logger } from './logging/create-logger.ts';
import type { ModelFleet } from './model-fleet.ts';
import type { NoticeBoard } from './notice-board.ts';
import type { PictureRequests } from './picture-requests.ts';
import type { LiveView } from './pipeline/live-view.ts';
import type { Metrics } from './pipeline/metrics.ts';
import type { Pictures } from './pipeline/pictures.ts';
import type { TriggerSources } from './pipeline/triggers/trigger-sources.ts';
import type { Registry } from './registry/registry.ts';

/** What a runtime is made of; `start-edge-runtime.ts` puts it together. */
export interface RuntimeParts {
  readonly registry: Registry;
  readonly board: NoticeBoard;
  /** Shows a notice and keeps it. Does not throw. */
  readonly notify: (notice: Notice) => void;
  readonly configuration: ConfigurationState;
  readonly logger: Logger;
  readonly models: ModelFleet;
  readonly cameras: CameraFleet;
  readonly pictures: Pictures;
  readonly liveView: LiveView;
  readonly metrics: Metrics;
  readonly captureStore: CaptureStore;
  readonly clips: ClipStore;
  readonly retention: Retention;
  readonly modelStore: ModelStore;
  readonly requests: PictureRequests;
  readonly outputs: Outputs;
  readonly triggers: TriggerSources;
  readonly delivery: Delivery;
}

/** Longest wait for models to end what they run when the process stops, in milliseconds. */
const DRAIN_MS = 4000;

/** Begins them in their order; none is waited for. */
export function startParts(parts: RuntimeParts): void {
  const { config } = parts.configuration;
  const { logger } = parts;
  parts.models.start();
  void parts.outputs.use(config.outputs);
  void lookedThrough(logger, parts.clips.start(), 'recordings');
  parts.cameras.start();
  void parts.triggers.use(config.triggers);
  void lookedThrough(logger, parts.captureStore.start(), 'captures');
  void lookedThrough(logger, parts.modelStore.cleanUp(), 'models');
  parts.retention.start();
  parts.delivery.start();
}

/**
 * Stops cameras, lets models end what they run, closes the registry last. `isInsideRun`: a model
 * is still running, so that only a kill ends the process without an abort.
 */
export async function closeParts(parts: RuntimeParts): Promise<{ readonly isInsideRun: boolean }> {
  await parts.triggers.close();
  const cameras = parts.cameras.close();
  const models = parts.models.close(DRAIN_MS);
  await cameras;
  await parts.outputs.close();
  const delivery = parts.delivery.close();
  const { isInsideRun } = await models;
  await parts.pictures.close();
  await parts.retention.close();
  await parts.captureStore.close();
  await parts.clips.close();
  await delivery;
  await parts.registry.close();
  return { isInsideRun };
}

/** What a crash left can wait: that it cannot be looked through now is no reason to stop. */
async function lookedThrough(logger: Logger, work: Promise<void>, what: string): Promise<void> {
  try {
    await work;
  } catch (thrown) {
    const error = VedetteError.from(thrown, 'REGISTRY_UNAVAILABLE');
    logger.error({ error }, `${what} that a crash left could not be looked through`);
  }
}
