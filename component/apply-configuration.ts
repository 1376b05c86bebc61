import type { CameraFleet, PreparedCameras } from './camera-fleet.ts';
import { configurationChanges, requireNoRestart } from './configuration/configuration-changes.ts';
import type { RuntimeConfig } from './contract/config.ts';
import { VedetteError } from './contract/errors.ts';
import type { Logger } from './logging/create-logger.ts';
import type { ModelFleet } from './model-fleet.ts';

/** The parts of a runtime that a configuration changes. */
export interface ConfiguredParts {
  readonly models: ModelFleet;
  readonly cameras: CameraFleet;
  readonly logger: Logger;
  readonly isClosed: () => boolean;
  /** Limits and levels, for which nothing is started anew. Cannot fail. */
  readonly useLimits: (next: RuntimeConfig) => void;
  /** From its call on verdicts go to the outputs of `next`; resolves when the ones before are closed. */
  readonly useOutputs: (next: RuntimeConfig) => Promise<void>;
}

/**
 * From one configuration to another, as a whole or not at all: first everything that may fail, beside
 * what runs; then one step between two frames, after which `takes` is called; then what is over ends.
 * @throws VedetteError CONFIG_NEEDS_RESTART, why a model cannot be used, REGISTRY_UNAVAILABLE,
 * SHUTTING_DOWN: nothing has changed then
 */
export async function applyConfiguration(
  parts: ConfiguredParts,
  before: RuntimeConfig,
  next: RuntimeConfig,
  takes: (config: RuntimeConfig) => void,
): Promise<void> {
  const changes = configurationChanges(before, next);
  if (changes.length === 0) return takes(before);
  requireNoRestart(changes);
  const models = await parts.models.prepare(next);
  let cameras: PreparedCameras;
  try {
    cameras = parts.cameras.prepare(next, (name) => models.cameraModel(name));
    await models.remember();
    if (parts.isClosed()) throw new VedetteError('SHUTTING_DOWN', 'The process is stopping');
  } catch (error) {
    await models.discard();
    throw error;
  }
  models.assign();
  cameras.assign();
  parts.useLimits(next);
  // A verdict of the new models and rules is not for a machine that the old ones spoke to.
  const outputs = finished(parts.useOutputs(next), parts.logger);
  takes(next);
  // Frames under way may still need models that are no longer configured.
  await finished(cameras.finish(), parts.logger);
  await finished(models.finish(), parts.logger);
  await outputs;
}

/** What is over could not be closed: what is in force does not suffer from it. */
async function finished(closing: Promise<void>, logger: Logger): Promise<void> {
  try {
    await closing;
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    logger.error({ error }, 'what the configuration of before used could not be closed');
  }
}
