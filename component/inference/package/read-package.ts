import type { ModelManifest, ModelVariant } from '../../contract/model-manifest.ts';
import type { TensorDeclaration, TensorSpec } from '../../contract/tensor.ts';

/** A model package that was read and found free of contradictions. */
export interface ModelPackage {
  /** Absolute path of the folder. */
  readonly folder: string;
  readonly manifest: ModelManifest;
  readonly variant: ModelVariant;
  /** Absolute path of the variant's ONNX file. */
  readonly modelFile: string;
  /** sha256 of the ONNX file, computed while it was read. */
  readonly sha256: string;
  /** By class index; empty when the model has none. */
  readonly labels: readonly string[];
  /** How a picture becomes the input tensor. */
  readonly spec: TensorSpec;
  /** Name of the graph input that takes the picture. */
  readonly inputName: string;
  readonly declarations: {
    readonly inputs: readonly TensorDeclaration[];
    readonly outputs: readonly TensorDeclaration[];
  };
}
