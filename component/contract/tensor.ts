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

export type ResizeMode = 'stretch' | 'letterbox' | 'crop' | 'line' | 'letterbox-top-left';
export type Interpolation =
  'bilinear' | 'area' | 'bilinear-antialias' | 'bicubic-antialias' | 'nearest';
export type ColourOrder = 'rgb' | 'bgr' | 'gray';
export type TensorLayout = 'nchw' | 'nhwc';

/** Element types that a picture can be turned into. */
export const PICTURE_DTYPES = ['float32', 'float16', 'int8', 'uint8'] as const;
export type PictureDtype = (typeof PICTURE_DTYPES)[number];

/** `float16` as its bits. */
export type PictureTensorData =
  | Float32Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>;

/**
 * ONNX QuantizeLinear with one scale for the whole tensor, in float32: `q = round(value / scale) +
 * zeroPoint`, halves to even, clamped to the dtype.
 */
export interface Quantisation {
  /** Greater than 0. */
  readonly scale: number;
  /** A whole number: −128 to 127 for `int8`, 0 to 255 for `uint8`. */
  readonly zeroPoint: number;
}

/**
 * How a picture becomes an input tensor: `(pixel × scale − mean[c]) / std[c]`, pixel 0–255.
 * Shape is [1, C, height, width] (`nchw`) or [1, height, width, C] (`nhwc`), C = 3, or 1 for `gray`.
 * With dtype `uint8` and no `quantisation` the pixels are stored as they are: scale 1, mean 0, std 1.
 */
export interface TensorSpec extends Size {
  readonly layout: TensorLayout;
  readonly dtype: PictureDtype;
  readonly colourOrder: ColourOrder;
  readonly resize: ResizeMode;
  readonly interpolation: Interpolation;
  readonly scale: number;
  /** One value per channel, in units of `pixel × scale`, in the tensor's channel order. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** Grey level 0–255 of letterbox bars, before normalisation. */
  readonly padValue: number;
  /** Required for `int8`, possible for `uint8`, absent for floats. */
  readonly quantisation?: Quantisation;
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
  /**
   * Of a view with a quad, for which `tensor × scale + offset` is a place in the quad's crop: the nine
   * numbers of the homography, row by row, that leads it on to source pixels. X = (m0 x + m1 y + m2) ÷ w,
   * Y = (m3 x + m4 y + m5) ÷ w with w = m6 x + m7 y + m8.
   */
  readonly perspective?: readonly number[];
}

export function tensorElements(spec: TensorSpec): number {
  return spec.width * spec.height * (spec.colourOrder === 'gray' ? 1 : 3);
}

const PICTURE_ARRAYS = {
  float32: Float32Array,
  float16: Uint16Array,
  int8: Int8Array,
  uint8: Uint8Array,
} as const;

export function tensorBytes(spec: TensorSpec, count = 1): number {
  return tensorElements(spec) * PICTURE_ARRAYS[spec.dtype].BYTES_PER_ELEMENT * count;
}

/**
 * `count` tensors of `spec`, one behind the other ([count, C, height, width] or [count, height, width,
 * C]): all of `buffer`, which has `tensorBytes(spec, count)` bytes, or new memory.
 */
export function createTensorData(
  spec: TensorSpec,
  count = 1,
  buffer = new ArrayBuffer(tensorBytes(spec, count)),
): PictureTensorData {
  return new PICTURE_ARRAYS[spec.dtype](buffer);
}
