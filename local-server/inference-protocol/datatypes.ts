import { VedetteError } from '../../component/contract/errors.ts';
import type { TensorData, TensorDtype } from '../../component/contract/tensor.ts';

type NumericArray = Exclude<TensorData, string[]>;

interface NumericDatatype {
  readonly dtype: TensorDtype;
  readonly elementBytes: number;
  readonly allocate: (elements: number) => NumericArray;
  readonly view: (buffer: ArrayBuffer, offset: number, elements: number) => NumericArray;
  /** Range of whole numbers; absent for floating point. */
  readonly range?: readonly [min: number | bigint, max: number | bigint];
}

interface ArrayType<A extends NumericArray> {
  new (elements: number): A;
  new (buffer: ArrayBuffer, offset: number, elements: number): A;
  readonly BYTES_PER_ELEMENT: number;
}

const numeric = <A extends NumericArray>(
  dtype: TensorDtype,
  type: ArrayType<A>,
  range?: readonly [number | bigint, number | bigint],
): NumericDatatype => ({
  dtype,
  elementBytes: type.BYTES_PER_ELEMENT,
  allocate: (elements) => new type(elements),
  view: (buffer, offset, elements) => new type(buffer, offset, elements),
  ...(range === undefined ? {} : { range }),
});

/** Datatypes of the protocol that carry numbers, little-endian as the devices themselves. */
export const NUMERIC_DATATYPES: Readonly<Record<string, NumericDatatype>> = {
  BOOL: numeric('bool', Uint8Array, [0, 1]),
  UINT8: numeric('uint8', Uint8Array, [0, 255]),
  UINT16: numeric('uint16', Uint16Array, [0, 65_535]),
  UINT32: numeric('uint32', Uint32Array, [0, 4_294_967_295]),
  UINT64: numeric('uint64', BigUint64Array, [0n, 18_446_744_073_709_551_615n]),
  INT8: numeric('int8', Int8Array, [-128, 127]),
  INT16: numeric('int16', Int16Array, [-32_768, 32_767]),
  INT32: numeric('int32', Int32Array, [-2_147_483_648, 2_147_483_647]),
  INT64: numeric('int64', BigInt64Array, [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n]),
  FP32: numeric('float32', Float32Array),
  FP64: numeric('float64', Float64Array),
};

const DATATYPE_NAMES: Readonly<Record<TensorDtype, string>> = {
  float32: 'FP32',
  float16: 'FP16',
  float64: 'FP64',
  uint8: 'UINT8',
  int8: 'INT8',
  uint16: 'UINT16',
  int16: 'INT16',
  int32: 'INT32',
  uint32: 'UINT32',
  int64: 'INT64',
  uint64: 'UINT64',
  bool: 'BOOL',
  string: 'BYTES',
};

/** ONNX Runtime's name of an element type as the protocol calls it. */
export function datatypeOf(dtype: TensorDtype): string {
  return DATATYPE_NAMES[dtype];
}

/** @throws VedetteError TENSOR_INVALID for a datatype that cannot be sent to a model here */
export function numericDatatype(datatype: string, tensor: string): NumericDatatype {
  const known = Object.hasOwn(NUMERIC_DATATYPES, datatype)
    ? NUMERIC_DATATYPES[datatype]
    : undefined;
  if (known !== undefined) return known;
  if (datatype === 'FP16' || datatype === 'BF16') {
    throw new VedetteError(
      'TENSOR_INVALID',
      `Tensor ${tensor} has the datatype ${datatype}, which this server does not take: send FP32 ` +
        'to a model with an FP32 input, or a picture as BYTES',
    );
  }
  throw new VedetteError(
    'TENSOR_INVALID',
    `Tensor ${tensor} has the unknown datatype ${JSON.stringify(datatype.slice(0, 40))}; known are ` +
      `${Object.keys(NUMERIC_DATATYPES).join(', ')} and BYTES`,
  );
}
