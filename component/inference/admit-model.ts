import type { ModelConfig } from '../contract/model-config.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ModelState } from '../contract/ports.ts';
import { beforeCpu } from './execution/choose-providers.ts';
import { providerNames } from './execution/execution-setup.ts';
import type { ExecutionSetup } from './execution/execution-setup.ts';
import { libraryContent } from './execution/runtime-library.ts';
import type { LocatedPackage } from './model-store/locate-package.ts';
import { packageFingerprint } from './package/package-fingerprint.ts';
import { readPackage } from './package/read-package.ts';
import type { ModelPackage } from './package/read-package.ts';
import { runProbe } from './run-probe.ts';
import type { ProbeReport } from './run-probe.ts';
import { runtimeVersion } from './runtime-version.ts';

/**
 * Remembers which packages passed their first run, so that it is not repeated at every start. What
 * is trusted is told by `packageFingerprint`: other weights, another manifest, other labels or other
 * golden pictures are another model.
 */
export interface ModelTrust {
  /** Whether it passed under this version of ONNX Runtime; under any when absent. */
  isTrusted(fingerprint: string, runtimeVersion?: string): Promise<boolean>;
  record(fingerprint: string, runtimeVersion: string): Promise<void>;
}

/**
 * `start`: what passed before is served, even if it is slow or off by now: a hot box must not stop a
 * line. `change`: it is tried beside what works, and nothing but a pass lets it in.
 */
export type AdmissionOccasion = 'start' | 'change';

export interface ModelAdmission {
  readonly config: ModelConfig;
  /** The package that `config` names. */
  readonly located: LocatedPackage;
  readonly occasion: AdmissionOccasion;
  readonly maxImagePixels: number;
  readonly execution: ExecutionSetup;
  readonly trust: ModelTrust;
  readonly signal: AbortSignal;
  readonly onStage: (state: ModelState, model?: ModelPackage) => void;
  /**
   * Trust that could not be read or recorded, or a model that is served at a start though it did not
   * pass again.
   */
  readonly onFault: (fault: VedetteError) => void;
}

export interface AdmittedModel {
  readonly model: ModelPackage;
  /** Absent when it was not tried. */
  readonly report?: ProbeReport;
}

/**
 * Reads the package and lets only a model pass that is trusted or passes its first run in the probe.
 * @throws VedetteError MODEL_PACKAGE_INVALID, MODEL_FILE_INVALID, MODEL_MISMATCH and those of runProbe
 */
export async function admitModel(admission: ModelAdmission): Promise<AdmittedModel> {
  const { config, execution, located, trust, onStage, onFault, signal, occasion } = admission;
  const model = await readPackage(located.folder, config.variant, {
    ...located,
    providers: providerNames(execution.providers),
  });
  signal.throwIfAborted();
  onStage('loading', model);
  const fingerprint = await packageFingerprint(model);
  const version = await ranOn(execution);
  if (occasion === 'start' && (await isTrusted(version))) return { model };
  onStage('probing', model);
  let report: ProbeReport;
  try {
    report = await runProbe(
      model,
      {
        memoryMegabytes: config.probeMemoryMegabytes,
        timeoutMs: config.probeTimeoutMs,
        threads: config.threadsPerWorker,
        maxImagePixels: admission.maxImagePixels,
        maxBatch: config.maxBatch,
        execution,
        isAside: occasion === 'change',
      },
      signal,
    );
  } catch (thrown) {
    const error = VedetteError.from(thrown);
    const passedBefore = () => located.passed.includes(model.variant.name) || isTrusted();
    if (occasion === 'change' || !isSlowOrOff(error) || !(await passedBefore())) throw error;
    onFault(
      new VedetteError(
        error.code,
        `model '${model.manifest.name}' passed before and is served, though it did not pass again: ${error.message}`,
        { cause: error, details: { ...error.details, isServed: true } },
      ),
    );
    return { model };
  }
  try {
    await trust.record(fingerprint, version);
  } catch (error) {
    onFault(VedetteError.from(error));
  }
  return { model, report };

  async function isTrusted(under?: string): Promise<boolean> {
    try {
      return await trust.isTrusted(fingerprint, under);
    } catch (error) {
      onFault(VedetteError.from(error));
      return false;
    }
  }
}

/** It runs, but other than it should: golden pictures differ, or the time was not enough. */
const isSlowOrOff = ({ code, details }: VedetteError): boolean =>
  code === 'INFERENCE_TIMEOUT' || (code === 'MODEL_PROBE_FAILED' && 'differences' in details);

/** What a first run holds for: another library or accelerator may fail where the first did not. */
async function ranOn({ providers, library }: ExecutionSetup): Promise<string> {
  const accelerators = beforeCpu(providers).map(({ name }) => name);
  const on = accelerators.length > 0 ? [`on ${accelerators.join(', ')}`] : [];
  const of = library === undefined ? [] : [`of ${await libraryContent(library)}`];
  return [await runtimeVersion(), ...on, ...of].join(' ');
}
