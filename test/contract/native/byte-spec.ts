import type { TensorSpec } from '../../../component/contract/tensor.ts';

/** A tensor of the pixels as they are: bytes, channels last, resized by OpenCV's bilinear rule. */
export const byteSpec = (
  width: number,
  height: number,
  change: Partial<TensorSpec> = {},
): TensorSpec => ({
  width,
  height,
  layout: 'nhwc',
  dtype: 'uint8',
  colourOrder: 'rgb',
  resize: 'stretch',
  interpolation: 'bilinear',
  scale: 1,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  padValue: 0,
  ...change,
});
