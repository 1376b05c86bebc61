import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorSpec } from '../contract/tensor.ts';
import type { ModelPackage } from './package/read-package.ts';

/** What a worker or the probe needs to know of a model: the part of a package that can be posted. */
export interface ModelSetup {
  readonly modelFile: string;
  readonly inputName: string;
  readonly spec: TensorSpec;
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  readonly output: ModelOutput;
  readonly labels: readonly string[];
  /** Version by operator domain; the standard domain is ''. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Threads of ONNX Runtime in one session. */
  readonly threads: number;
  readonly maxImagePixels: number;
}

export function modelSetup(
  model: ModelPackage,
  threads: number,
  maxImagePixels: number,
): ModelSetup {
  return {
    modelFile: model.modelFile,
    inputName: model.inputName,
    spec: model.spec,
    inputs: model.declarations.inputs,
    outputs: model.declarations.outputs,
    output: model.manifest.output,
    labels: model.labels,
    opsets: model.structure.opsets,
    threads,
    maxImagePixels,
  };
}
