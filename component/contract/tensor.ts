import type { Size } from './frame.ts';

export const TENSOR_DTYPES = [
  'float32',
  'float16',
  'float64',
  'uint8',
  'int8',
  'uint16',
  'int16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'bool',
  'string',
] as const;
/** ONNX Runtime's names of element types. */
export type TensorDtype = (typeof TENSOR_DTYPES)[number];

/** An input or output as the ONNX file declares it. `null` or a string is a dimension that may vary. */
export interface TensorDeclaration {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly (number | string | null)[];
}

/** A tensor with its values. `data` is row-major; `int64` uses BigInt64Array, `bool` Uint8Array. */
export interface TensorValue {
  readonly name: string;
  readonly dtype: TensorDtype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

export type TensorData =
  | Float32Array
  | Float64Array
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array
  | string[];

export type ResizeMode = 'stretch' | 'letterbox' | 'crop';
export type Interpolation =
  'bilinear' | 'area' | 'bilinear-antialias' | 'bicubic-antialias' | 'nearest';
export type ColourOrder = 'rgb' | 'bgr' | 'gray';
export type TensorLayout = 'nchw' | 'nhwc';

/**
 * How a picture becomes an input tensor: `(pixel × scale − mean[c]) / std[c]`, pixel 0–255.
 * Shape is [1, C, height, width] (`nchw`) or [1, height, width, C] (`nhwc`), C = 3, or 1 for `gray`.
 * With dtype `uint8` the pixels are stored as they are: scale 1, mean 0, std 1.
 */
export interface TensorSpec extends Size {
  readonly layout: TensorLayout;
  readonly dtype: 'float32' | 'uint8';
  readonly colourOrder: ColourOrder;
  readonly resize: ResizeMode;
  readonly interpolation: Interpolation;
  readonly scale: number;
  /** One value per channel, in units of `pixel × scale`, in the tensor's channel order. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Grey level 0–255 of letterbox bars, before normalisation. */
  readonly padValue: number;
}

/**
 * From tensor pixels back to source pixels (of the upright picture, see FrameView):
 * `source = tensor × scale + offset`, both as continuous coordinates in which pixel i covers [i, i+1).
 */
export interface FrameTransform {
  readonly scaleX: number;
  readonly scaleY: number;
  readonly offsetX: number;
  readonly offsetY: number;
  /** Size of the upright source picture. */
  readonly source: Size;
}

export function tensorElements(spec: TensorSpec): number {
  return spec.width * spec.height * (spec.colourOrder === 'gray' ? 1 : 3);
}
