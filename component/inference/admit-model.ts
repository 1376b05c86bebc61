import type { ModelConfig } from '../contract/model-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ModelState } from '../contract/ports.ts';
import type { LocatedPackage } from './model-store/locate-package.ts';
import { packageFingerprint } from './package/package-fingerprint.ts';
import { readPackage } from './package/read-package.ts';
import type { ModelPackage } from './package/read-package.ts';
import { runProbe } from './run-probe.ts';
import { runtimeVersion } from './runtime-version.ts';

/**
 * Remembers which packages passed their first run, so that it is not repeated at every start. What
 * is trusted is told by `packageFingerprint`: other weights, another manifest, other labels or other
 * golden pictures are another model.
 */
export interface ModelTrust {
  isTrusted(fingerprint: string, runtimeVersion: string): Promise<boolean>;
  record(fingerprint: string, runtimeVersion: string): Promise<void>;
}

export interface ModelAdmission {
  readonly config: ModelConfig;
  /** The package that `config` names. */
  readonly located: LocatedPackage;
  readonly maxImagePixels: number;
  readonly trust: ModelTrust;
  readonly signal: AbortSignal;
  readonly onStage: (state: ModelState, model?: ModelPackage) => void;
  /** Trust that could not be read or recorded: the model is tried again, or the next time. */
  readonly onFault: (fault: VedetteError) => void;
}

/**
 * Reads the package and lets only a model pass that is trusted or passes its first run in the probe.
 * @throws VedetteError MODEL_PACKAGE_INVALID, MODEL_FILE_INVALID, MODEL_MISMATCH and those of runProbe
 */
export async function admitModel(admission: ModelAdmission): Promise<ModelPackage> {
  const { config, located, trust, onStage, onFault, signal } = admission;
  const model = await readPackage(located.folder, config.variant, located);
  signal.throwIfAborted();
  onStage('loading', model);
  const fingerprint = await packageFingerprint(model);
  const version = await runtimeVersion();
  if (await isTrusted()) return model;
  onStage('probing', model);
  await runProbe(
    model,
    {
      memoryMegabytes: config.probeMemoryMegabytes,
      timeoutMs: config.probeTimeoutMs,
      threads: config.threadsPerWorker,
      maxImagePixels: admission.maxImagePixels,
      maxBatch: config.maxBatch,
    },
    signal,
  );
  try {
    await trust.record(fingerprint, version);
  } catch (error) {
    onFault(VedetteError.from(error));
  }
  return model;

  async function isTrusted(): Promise<boolean> {
    try {
      return await trust.isTrusted(fingerprint, version);
    } catch (error) {
      onFault(VedetteError.from(error));
      return false;
    }
  }
}
