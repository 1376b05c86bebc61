/**
 * Writes small ONNX files for tests (onnx.proto, ModelProto), so that a model with any property,
 * wanted or not, can be made in place.
 */

export type OnnxElement =
  'float32' | 'uint8' | 'int8' | 'int32' | 'int64' | 'string' | 'bool' | 'float16';

const ELEMENT_NUMBER: Readonly<Record<OnnxElement, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
};

export interface OnnxValue {
  readonly name: string;
  readonly dtype: OnnxElement;
  /** A string is a dimension that may vary. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxInitializer {
  readonly name: string;
  readonly dtype: OnnxElement;
  readonly shape: readonly number[];
  readonly data?: Float32Array | Uint8Array | Int8Array | Int32Array | BigInt64Array | Uint16Array;
  /** Weights in a file beside the model, in place of `data`. */
  readonly externalFile?: string;
  /** Where in it they lie; the whole file when absent. */
  readonly externalPlace?: { readonly offset: number | string; readonly length: number | string };
}

export type OnnxAttribute =
  | { readonly name: string; readonly int: number }
  | { readonly name: string; readonly ints: readonly number[] }
  | { readonly name: string; readonly float: number }
  | { readonly name: string; readonly string: string }
  | { readonly name: string; readonly tensor: OnnxInitializer }
  | { readonly name: string; readonly graph: OnnxGraph };

export interface OnnxNode {
  readonly operator: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly OnnxAttribute[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly initializers?: readonly OnnxInitializer[];
}

export interface OnnxModel extends OnnxGraph {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly domains?: Readonly<Record<string, number>>;
  readonly metadata?: Readonly<Record<string, string>>;
}

export function buildOnnx(model: OnnxModel): Buffer {
  return Buffer.concat([
    varintField(1, model.irVersion ?? 8),
    textField(2, 'vedette-test'),
    bytesField(7, graphBytes(model)),
    bytesField(8, Buffer.concat([textField(1, ''), varintField(2, model.opset ?? 17)])),
    ...Object.entries(model.domains ?? {}).map(([domain, version]) =>
      bytesField(8, Buffer.concat([textField(1, domain), varintField(2, version)])),
    ),
    ...Object.entries(model.metadata ?? {}).map(([key, value]) =>
      bytesField(14, entry(key, value)),
    ),
  ]);
}

/** An initializer of one or more floats. */
export function floats(name: string, values: readonly number[], shape?: readonly number[]) {
  const data = Float32Array.from(values);
  return { name, dtype: 'float32', shape: shape ?? [values.length], data } as const;
}

/** An initializer of 64-bit integers; a scalar when `shape` is []. */
export function integers(name: string, values: readonly number[], shape?: readonly number[]) {
  const data = BigInt64Array.from(values.map(BigInt));
  return { name, dtype: 'int64', shape: shape ?? [values.length], data } as const;
}

function graphBytes(graph: OnnxGraph): Buffer {
  return Buffer.concat([
    ...graph.nodes.map((node) => bytesField(1, nodeBytes(node))),
    textField(2, 'graph'),
    ...(graph.initializers ?? []).map((tensor) => bytesField(5, tensorBytes(tensor))),
    ...graph.inputs.map((value) => bytesField(11, valueBytes(value))),
    ...graph.outputs.map((value) => bytesField(12, valueBytes(value))),
  ]);
}

function nodeBytes(node: OnnxNode): Buffer {
  return Buffer.concat([
    ...node.inputs.map((name) => textField(1, name)),
    ...node.outputs.map((name) => textField(2, name)),
    textField(4, node.operator),
    ...(node.attributes ?? []).map((attribute) => bytesField(5, attributeBytes(attribute))),
    ...(node.domain === undefined ? [] : [textField(7, node.domain)]),
  ]);
}

function attributeBytes(attribute: OnnxAttribute): Buffer {
  const name = textField(1, attribute.name);
  if ('int' in attribute) {
    return Buffer.concat([name, varintField(3, attribute.int), varintField(20, 2)]);
  }
  if ('ints' in attribute) {
    const values = attribute.ints.map((value) => varintField(8, value));
    return Buffer.concat([name, ...values, varintField(20, 7)]);
  }
  if ('float' in attribute) {
    const value = Buffer.alloc(5);
    value[0] = (2 << 3) | 5;
    value.writeFloatLE(attribute.float, 1);
    return Buffer.concat([name, value, varintField(20, 1)]);
  }
  if ('string' in attribute) {
    return Buffer.concat([name, textField(4, attribute.string), varintField(20, 3)]);
  }
  if ('tensor' in attribute) {
    return Buffer.concat([name, bytesField(5, tensorBytes(attribute.tensor)), varintField(20, 4)]);
  }
  return Buffer.concat([name, bytesField(6, graphBytes(attribute.graph)), varintField(20, 5)]);
}

function tensorBytes(tensor: OnnxInitializer): Buffer {
  const { data } = tensor;
  const content = data
    ? bytesField(9, Buffer.from(data.buffer, data.byteOffset, data.byteLength))
    : Buffer.concat([
        bytesField(13, entry('location', tensor.externalFile ?? 'missing')),
        ...Object.entries(tensor.externalPlace ?? {}).map(([key, value]) =>
          bytesField(13, entry(key, String(value))),
        ),
        varintField(14, 1),
      ]);
  return Buffer.concat([
    ...tensor.shape.map((dimension) => varintField(1, dimension)),
    varintField(2, ELEMENT_NUMBER[tensor.dtype]),
    textField(8, tensor.name),
    content,
  ]);
}

function valueBytes(value: OnnxValue): Buffer {
  const dimensions = value.shape.map((dimension) =>
    bytesField(
      1,
      typeof dimension === 'number' ? varintField(1, dimension) : textField(2, dimension),
    ),
  );
  const tensorType = Buffer.concat([
    varintField(1, ELEMENT_NUMBER[value.dtype]),
    bytesField(2, Buffer.concat(dimensions)),
  ]);
  return Buffer.concat([textField(1, value.name), bytesField(2, bytesField(1, tensorType))]);
}

const entry = (key: string, value: string) =>
  Buffer.concat([textField(1, key), textField(2, value)]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const varintField = (field: number, value: number) =>
  Buffer.concat([varint(field * 8), varint(value)]);
const bytesField = (field: number, content: Buffer) =>
  Buffer.concat([varint(field * 8 + 2), varint(content.length), content]);
const textField = (field: number, text: string) => bytesField(field, Buffer.from(text));
