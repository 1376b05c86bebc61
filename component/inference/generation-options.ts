import type { VedetteError } from '../contract/errors.ts';
import type { ModelConfig } from '../contract/model-config.ts';
import type { AdmissionOccasion, ModelTrust } from './admit-model.ts';
import type { RuntimeLibrary } from './execution/runtime-library.ts';
import type { ModelStore } from './model-store/model-store.ts';
import type { ModelPackage } from './package/read-package.ts';

/** What a version of a model is made of. */
export interface GenerationOptions {
  /** Key of the model in the configuration: its name in results and addresses. */
  readonly name: string;
  /** `package` is the one that this generation runs. */
  readonly config: ModelConfig;
  /** Pictures with more pixels are refused before they are decoded. */
  readonly maxImagePixels: number;
  readonly trust: ModelTrust;
  /** For packages that are installed or archives. */
  readonly store?: ModelStore;
  /** The device's own ONNX Runtime; the one that Vedette brings when absent. */
  readonly library?: RuntimeLibrary | undefined;
  readonly occasion: AdmissionOccasion;
  /** Runs of all versions of the model that act, counted together; its own when absent. */
  readonly runs?: RunCounts;
  /** With one worker at a low priority: it must not delay what works. */
  readonly isAside?: boolean;
  /** Throws for a package that must not take the place of what runs. */
  readonly check?: (model: ModelPackage) => void;
  /** Gives memory back that is held for convenience. */
  readonly makeRoom?: () => Promise<void>;
  /** Told after every change of state, worker or reason. Must not throw. */
  readonly onChange: () => void;
  /** Told of what an operator should find in the log. Must not throw. */
  readonly onFault: (fault: VedetteError) => void;
}

export interface RunCounts {
  inferences: number;
  failures: number;
}

export interface CloseReport {
  /** A worker is inside ONNX Runtime's run(): ending the process normally would abort it. */
  readonly isInsideRun: boolean;
}
