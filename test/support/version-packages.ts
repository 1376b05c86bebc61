import type { ModelManifestInput } from '../../component/contract/model-manifest.ts';
import { anomalyManifest, brightnessModel, loopsWhenBright } from './model-packages.ts';
import type { ModelPackages } from './model-packages.ts';
import { floats } from './onnx-builder.ts';
import type { OnnxModel } from './onnx-builder.ts';

/** An anomaly model that gives this score for every picture, whatever it shows. */
export const constantModel = (score: number): OnnxModel =>
  brightnessModel(
    [
      { operator: 'Mul', inputs: ['mean', 'nothing'], outputs: ['zero'], attributes: [] },
      { operator: 'Add', inputs: ['zero', 'score'], outputs: ['pred_score'], attributes: [] },
    ],
    [floats('nothing', [0]), floats('score', [score])],
  );

/** The same after so many rounds of a loop, for a model that takes its time. */
export const slowModel = (iterations: number): OnnxModel => loopsWhenBright(iterations, 1);

/** A package `brightness` of this version. */
export const versionPackage = (
  packages: ModelPackages,
  version: string,
  model: OnnxModel | Buffer,
  manifest: Partial<ModelManifestInput> = {},
  files: Readonly<Record<string, string | Uint8Array>> = {},
): Promise<string> => packages.add(model, { ...anomalyManifest, version, ...manifest }, files);
