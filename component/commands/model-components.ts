import { VedetteError } from '../contract/errors.ts';
import type { RuntimeConfig } from '../contract/config.ts';
import { modelConfigSchema } from '../contract/model-config.ts';
import { parseModelReference, type ModelReference } from '../contract/model-manifest.ts';
import type { SpoolRequest } from '../contract/model-spool.ts';
import { ModelSpool } from '../greengrass/model-spool.ts';
import { RuntimeLibrary } from '../inference/execution/runtime-library.ts';
import { referenceText } from '../inference/model-store/installed-model.ts';
import { installModel } from '../inference/model-store/install-model.ts';
import { ModelStore } from '../inference/model-store/model-store.ts';
import type { ProbeLimits } from '../inference/run-probe.ts';
import type { Logger } from '../logging/create-logger.ts';
import type { VedetteProcess } from './vedette-process.ts';
import { takeOverVersion } from './take-over-version.ts';
import { usesOf } from './version-uses.ts';

/** The spool of a runtime: what model components bring is tried and kept in its data folder. */
export function spoolOf(vedette: VedetteProcess, workFolder: string, logger: Logger): ModelSpool {
  const store = () => new ModelStore(vedette.runtime.config.dataFolder);
  return new ModelSpool({
    workFolder,
    logger,
    install: (request, signal) => install(store(), request, vedette.runtime.config, signal),
    takeOver: (model, signal) => takeOverVersion(vedette.runtime, model, signal),
    keptVersions: () => vedette.runtime.config.retention.componentModelVersions,
    isInstalled: (model) => isInstalled(store(), model),
    remove: async (model) => {
      if (isUsed(vedette, referenceText(model))) return false;
      await store().remove(model).catch(unlessGone);
      return true;
    },
  });
}

async function install(
  store: ModelStore,
  { package: source, model: wanted }: SpoolRequest,
  config: RuntimeConfig,
  signal: AbortSignal,
): Promise<{ readonly isNew: boolean }> {
  const limits = modelConfigSchema.parse({ package: source });
  return installModel(store, source, {
    signal,
    // For a DDA package, which knows neither its name nor its version.
    identity: wanted,
    probe: {
      memoryMegabytes: limits.probeMemoryMegabytes,
      timeoutMs: limits.probeTimeoutMs,
      threads: limits.threadsPerWorker,
      maxImagePixels: config.limits.maxImagePixels,
      ...(await executionOf(config, referenceText(wanted))),
    },
  }).catch((thrown: unknown) => {
    const { code, details } = VedetteError.from(thrown);
    const { name, version } = details;
    if (code !== 'REQUEST_INVALID' || typeof name !== 'string') throw thrown;
    const holds = `${name}@${version as string}`;
    throw new VedetteError(
      'MODEL_MISMATCH',
      `the component asks for ${referenceText(wanted)}, its package holds ${holds}`,
      { cause: thrown },
    );
  });
}

/** What the model that is configured with a version of this package runs on; nothing when there is none yet. */
async function executionOf(
  { models, onnxRuntimeLibrary }: RuntimeConfig,
  version: string,
): Promise<Pick<ProbeLimits, 'execution'>> {
  const { name } = parseModelReference(version) ?? {};
  const user = Object.values(models).find(
    ({ package: source }) => name !== undefined && parseModelReference(source)?.name === name,
  );
  if (!user) return {};
  const library =
    onnxRuntimeLibrary === undefined ? undefined : new RuntimeLibrary(onnxRuntimeLibrary);
  return { execution: { providers: user.executionProviders, library: await library?.file() } };
}

/** As it is configured or remembered, or as a change that is under way needs it. */
function isUsed({ runtime }: VedetteProcess, version: string): boolean {
  if (usesOf(version, runtime.config, true).length > 0) return true;
  return runtime.models().some(({ lifecycle }) => {
    const { active, previous, candidate, change } = lifecycle ?? {};
    return [active, previous, candidate, change].some((one) => one?.package === version);
  });
}

async function isInstalled(store: ModelStore, model: ModelReference): Promise<boolean> {
  try {
    await store.verify(await store.find(model));
    return true;
  } catch (error) {
    const { code } = VedetteError.from(error);
    if (code === 'MODEL_NOT_INSTALLED' || code === 'MODEL_STORE_CORRUPT') return false;
    throw error;
  }
}

/** Somebody removed it by hand. */
function unlessGone(error: unknown): void {
  if (VedetteError.from(error).code !== 'MODEL_NOT_INSTALLED') throw error;
}
