import { VedetteError } from '../../../component/contract/errors.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import type { ModelOutput } from '../../../component/contract/model-manifest.ts';
import { modelOutputSchema } from '../../../component/contract/model-manifest.ts';
import type { TensorSpec, TensorValue } from '../../../component/contract/tensor.ts';
import { createDecoder } from '../../../component/decode/create-decoder.ts';
import type { DecodeContext } from '../../../component/decode/decoder.ts';

/** An input of 640×640, as most detectors have it. */
export const squareSpec: TensorSpec = {
  width: 640,
  height: 640,
  layout: 'nchw',
  dtype: 'float32',
  colourOrder: 'rgb',
  resize: 'letterbox',
  interpolation: 'bilinear',
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 114,
};

/** A picture of 1280×720 letterboxed into 640×640: bars of 140 above and below. */
export const letterboxed: DecodeContext = {
  transform: {
    scaleX: 2,
    scaleY: 2,
    offsetX: 0,
    offsetY: -280,
    source: { width: 1280, height: 720 },
  },
  view: WHOLE_FRAME,
  thresholds: { labels: {} },
  wantsAnomalyMap: false,
};

type OutputInput = Parameters<typeof modelOutputSchema.parse>[0];

/** A decoder for a graph whose only output `output0` has this declared shape. */
export function decoderOf(
  output: OutputInput,
  shape: readonly (number | string | null)[],
  labels: readonly string[] = [],
  spec: TensorSpec = squareSpec,
) {
  const settings: ModelOutput = modelOutputSchema.parse(output);
  const declarations = [{ name: 'output0', dtype: 'float32' as const, shape }];
  return createDecoder(settings, declarations, { labels, spec });
}

export function outputOf(
  values: ArrayLike<number>,
  shape: readonly number[],
): Map<string, TensorValue> {
  const data = Float32Array.from(values);
  return new Map([['output0', { name: 'output0', dtype: 'float32', shape, data }]]);
}

export function refusalOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return error instanceof VedetteError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'nothing thrown';
}
