import { VedetteError } from '../contract/errors.ts';
import type { TensorRequest } from '../contract/ports.ts';
import type {
  TensorData,
  TensorDeclaration,
  TensorDtype,
  TensorValue,
} from '../contract/tensor.ts';

const ARRAY_OF: Readonly<Record<TensorDtype, (data: TensorData) => boolean>> = {
  float32: (data) => data instanceof Float32Array,
  float16: (data) => data instanceof Uint16Array,
  float64: (data) => data instanceof Float64Array,
  uint8: (data) => data instanceof Uint8Array,
  int8: (data) => data instanceof Int8Array,
  uint16: (data) => data instanceof Uint16Array,
  int16: (data) => data instanceof Int16Array,
  int32: (data) => data instanceof Int32Array,
  uint32: (data) => data instanceof Uint32Array,
  int64: (data) => data instanceof BigInt64Array,
  uint64: (data) => data instanceof BigUint64Array,
  bool: (data) => data instanceof Uint8Array,
  string: (data) => Array.isArray(data),
};

/**
 * Whether the tensors are what the graph declares: each input once, of its type and shape, with as
 * many values as the shape says; outputs that exist.
 * @throws VedetteError TENSOR_INVALID naming the tensor, what was expected and what came
 */
export function checkTensors(
  request: TensorRequest,
  inputs: readonly TensorDeclaration[],
  outputs: readonly TensorDeclaration[],
): void {
  const given = new Set<string>();
  for (const tensor of request.inputs) {
    const declaration = inputs.find(({ name }) => name === tensor.name);
    if (!declaration) {
      throw tensorInvalid(`there is no input '${tensor.name}'; expected ${namesOf(inputs)}`);
    }
    if (given.has(tensor.name)) throw tensorInvalid(`the input '${tensor.name}' came twice`);
    given.add(tensor.name);
    checkTensor(tensor, declaration);
  }
  const missing = inputs.find(({ name }) => !given.has(name));
  if (missing) throw tensorInvalid(`the input '${missing.name}' is missing`);
  checkOutputNames(request.outputs, outputs);
}

/** @throws VedetteError TENSOR_INVALID naming the output that the graph does not have */
export function checkOutputNames(
  wanted: readonly string[] | undefined,
  outputs: readonly TensorDeclaration[],
): void {
  const unknown = wanted?.find((name) => !outputs.some((output) => output.name === name));
  if (unknown !== undefined) {
    throw tensorInvalid(`there is no output '${unknown}'; the model has ${namesOf(outputs)}`);
  }
}

function checkTensor(tensor: TensorValue, declaration: TensorDeclaration): void {
  const { name, dtype, shape, data } = tensor;
  if (dtype !== declaration.dtype) {
    throw tensorInvalid(`input '${name}' came as ${dtype}, expected ${declaration.dtype}`);
  }
  const isFitting =
    shape.length === declaration.shape.length &&
    shape.every((dimension, index) => {
      const declared = declaration.shape[index];
      return (
        Number.isInteger(dimension) &&
        dimension > 0 &&
        (typeof declared !== 'number' || declared === dimension)
      );
    });
  if (!isFitting) {
    throw tensorInvalid(
      `input '${name}' came with the shape [${shape.join(', ')}], expected [${declaration.shape.map((dimension) => dimension ?? '?').join(', ')}]`,
    );
  }
  if (!ARRAY_OF[dtype](data)) {
    throw tensorInvalid(`input '${name}' of type ${dtype} came in a ${data.constructor.name}`);
  }
  const expected = shape.reduce((product, dimension) => product * dimension, 1);
  if (data.length !== expected) {
    throw tensorInvalid(
      `input '${name}' came with ${data.length} values, expected ${expected} for the shape [${shape.join(', ')}]`,
    );
  }
}

const namesOf = (declarations: readonly TensorDeclaration[]) =>
  declarations.map(({ name }) => `'${name}'`).join(', ');

const tensorInvalid = (message: string) => new VedetteError('TENSOR_INVALID', message);
