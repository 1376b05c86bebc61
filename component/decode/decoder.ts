import type { EnrolledVectors } from './enrolled-vectors.ts';
import type { FrameView, Size } from '../contract/frame.ts';
import type { AnomalyMap, ScoreThresholds } from '../contract/ports.ts';
import type { Findings } from '../contract/result.ts';
import type { FrameTransform, TensorSpec, TensorValue } from '../contract/tensor.ts';

/** What a decoder knows of the model for as long as it lives. */
export interface DecoderModel {
  /** By class index; empty when the model has none: then an index is its own label. */
  readonly labels: readonly string[];
  readonly spec: TensorSpec;
  /** Of models that make vectors, where the package enrols some. */
  readonly enrolled?: EnrolledVectors | undefined;
}

/** What a decoder is told for one picture. */
export interface DecodeContext {
  readonly transform: FrameTransform;
  /** Size of the input, where it follows the picture and may be smaller than the model's `spec`. */
  readonly input?: Size;
  readonly view: FrameView;
  readonly thresholds: ScoreThresholds;
  readonly wantsAnomalyMap: boolean;
}

export interface Decoded {
  readonly findings: Findings;
  readonly anomalyMap?: AnomalyMap;
}

/** Turns a model's outputs into results in source pixels. One file per family of models. */
export interface Decoder {
  /** The graph outputs that it reads: only these are asked of ONNX Runtime. */
  outputNames(wantsAnomalyMap: boolean): readonly string[];
  /** @throws VedetteError OUTPUT_INVALID for NaN, infinite values and shapes it does not expect */
  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded;
}
