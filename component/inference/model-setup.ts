import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorSpec } from '../contract/tensor.ts';
import { ON_CPU } from './execution/execution-setup.ts';
import type { ExecutionSetup } from './execution/execution-setup.ts';
import { fixedBatch, itemDeclarations } from './package/graph-batch.ts';
import type { SizeInput } from './package/pick-inputs.ts';
import type { ModelPackage } from './package/read-package.ts';
import type { StepAside } from './thread-priority.ts';

/** What a worker or the probe needs to know of a model: the part of a package that can be posted. */
export interface ModelSetup {
  readonly modelFile: string;
  readonly inputName: string;
  /** Whether that input has a batch dimension. */
  readonly isBatched: boolean;
  readonly sizeInput?: SizeInput | undefined;
  readonly enrolledFile?: string | undefined;
  readonly spec: TensorSpec;
  /** Sides of the input follow the picture in multiples of this, up to those of `spec`. */
  readonly sizeMultiple?: number | undefined;
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  /** The outputs as the decoder sees them: those of one picture. */
  readonly itemOutputs: readonly TensorDeclaration[];
  /** Pictures that a run takes at most, or always where the graph fixes the number. */
  readonly batch: { readonly size: number; readonly isFixed: boolean };
  readonly output: ModelOutput;
  readonly labels: readonly string[];
  /** Version by operator domain; the standard domain is ''. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Threads of ONNX Runtime in one session. */
  readonly threads: number;
  readonly maxImagePixels: number;
  readonly execution: ExecutionSetup;
  /** For a model that is loaded beside one that works. */
  readonly stepAside?: StepAside;
}

export function modelSetup(
  model: ModelPackage,
  threads: number,
  maxImagePixels: number,
  maxBatch = 1,
  execution = ON_CPU,
): ModelSetup {
  const { inputs, outputs } = model.declarations;
  const { isBatched } = model;
  const fixed = isBatched ? fixedBatch(inputs, model.inputName) : undefined;
  const free = isBatched ? maxBatch : 1;
  return {
    modelFile: model.modelFile,
    inputName: model.inputName,
    isBatched,
    sizeInput: model.sizeInput,
    enrolledFile: model.enrolledFile,
    spec: model.spec,
    sizeMultiple: model.sizeMultiple,
    inputs,
    outputs,
    itemOutputs: itemDeclarations(outputs, fixed),
    batch: fixed === undefined ? { size: free, isFixed: false } : { size: fixed, isFixed: true },
    output: model.manifest.output,
    labels: model.labels,
    opsets: model.structure.opsets,
    threads,
    maxImagePixels,
    execution,
  };
}
