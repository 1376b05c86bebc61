import { VedetteError } from '../../contract/errors.ts';
import type { TensorDeclaration, TensorDtype } from '../../contract/tensor.ts';
import { eachField, invalid, short } from './onnx-wire.ts';
import type { OnnxWire, WireField } from './onnx-wire.ts';

const MAX_RANK = 64;

/** TensorProto.DataType by number (onnx.proto); types that Vedette's tensors do not have are named. */
const ELEMENT_TYPES: Readonly<Record<number, TensorDtype>> = {
  1: 'float32',
  2: 'uint8',
  3: 'int8',
  4: 'uint16',
  5: 'int16',
  6: 'int32',
  7: 'int64',
  8: 'string',
  9: 'bool',
  10: 'float16',
  11: 'float64',
  12: 'uint32',
  13: 'uint64',
};
const OTHER_ELEMENT_TYPES: Readonly<Record<number, string>> = {
  14: 'complex64',
  15: 'complex128',
  16: 'bfloat16',
  17: 'float8',
  21: 'uint4',
  22: 'int4',
};

/** ValueInfoProto: name 1, type 2. TypeProto: tensor_type 1 with elem_type 1 and shape 2. */
export async function readValueInfo(
  wire: OnnxWire,
  info: WireField,
  role: 'input' | 'output',
): Promise<TensorDeclaration> {
  let name = '';
  let elementType = 0;
  const shape: (number | string | null)[] = [];
  await eachField(wire, info.start, info.end, `an ${role}`, async (field) => {
    if (field.number === 1 && field.wireType === 2) name = await short(wire, field);
    if (field.number !== 2 || field.wireType !== 2) return;
    await eachField(wire, field.start, field.end, 'a type', async (type) => {
      if (type.number !== 1 || type.wireType !== 2) return;
      await eachField(wire, type.start, type.end, 'a tensor type', async (part) => {
        if (part.number === 1 && part.wireType === 0) elementType = part.value;
        if (part.number === 2 && part.wireType === 2) await readShape(wire, part, shape);
      });
    });
  });
  const dtype = ELEMENT_TYPES[elementType];
  if (!dtype) {
    const kind =
      elementType === 0
        ? 'no tensor'
        : `of element type ${OTHER_ELEMENT_TYPES[elementType] ?? elementType}`;
    throw new VedetteError(
      'MODEL_MISMATCH',
      `${role} '${name}' is ${kind}; expected a tensor of ${Object.values(ELEMENT_TYPES).join(', ')}`,
      { details: { name, elementType } },
    );
  }
  return { name, dtype, shape };
}

/** TensorShapeProto: dim 1, each with dim_value 1 or dim_param 2. */
async function readShape(
  wire: OnnxWire,
  shape: WireField,
  into: (number | string | null)[],
): Promise<void> {
  await eachField(wire, shape.start, shape.end, 'a shape', async (field) => {
    if (field.number !== 1 || field.wireType !== 2) return;
    if (into.length >= MAX_RANK)
      throw invalid(field.start, `a shape has more than ${MAX_RANK} dimensions`);
    let dimension: number | string | null = null;
    await eachField(wire, field.start, field.end, 'a dimension', async (part) => {
      if (part.number === 1 && part.wireType === 0) {
        dimension = part.value > 0 ? part.value : null;
      } else if (part.number === 2 && part.wireType === 2) {
        dimension = (await short(wire, part)) || null;
      }
    });
    into.push(dimension);
  });
}
