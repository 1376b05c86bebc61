import { floats } from '../../support/onnx-builder.ts';
import type { OnnxModel } from '../../support/onnx-builder.ts';

/**
 * A graph that gives this head whatever picture it sees: the picture's brightest value times zero is
 * added, so that it is a graph of its input all the same. The input is [batch, 3, side, side].
 */
export function headModel(
  values: readonly number[],
  shape: readonly number[],
  more: Partial<OnnxModel> & { readonly side?: number } = {},
): OnnxModel {
  const { side = 640, ...rest } = more;
  return {
    inputs: [{ name: 'images', dtype: 'float32', shape: [1, 3, side, side] }],
    outputs: [{ name: 'output0', dtype: 'float32', shape }],
    nodes: [
      {
        operator: 'ReduceMax',
        inputs: ['images'],
        outputs: ['most'],
        attributes: [{ name: 'keepdims', int: 0 }],
      },
      { operator: 'Mul', inputs: ['most', 'nothing'], outputs: ['zero'] },
      { operator: 'Add', inputs: ['head', 'zero'], outputs: ['output0'] },
    ],
    initializers: [floats('nothing', [0], []), floats('head', values, shape)],
    ...rest,
  };
}

/** What Ultralytics' exporter writes into a file. */
export const ultralyticsMetadata = (
  task: string,
  names: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Record<string, string> => ({
  author: 'Ultralytics',
  task,
  stride: '32',
  batch: '1',
  imgsz: '[640, 640]',
  names: `{${names.map((name, index) => `${index}: '${name}'`).join(', ')}}`,
  ...more,
});

const CAST_TO = { float32: 1, uint8: 2, int32: 6, int64: 7, bool: 9, float16: 10 } as const;

export interface GivenOutput {
  readonly name: string;
  readonly dtype?: 'float32' | 'int64' | 'int32' | 'uint8' | 'bool';
  readonly values: readonly number[];
  readonly shape: readonly number[];
  /** What the graph says of the shape, when it is not the whole of it. */
  readonly declared?: readonly (number | string)[];
}

/** The same with several outputs, of any type. */
export function outputsModel(
  outputs: readonly GivenOutput[],
  more: Partial<OnnxModel> & { readonly side?: number } = {},
): OnnxModel {
  const { side = 640, ...rest } = more;
  const [input] = rest.inputs ?? [];
  const image = input ?? { name: 'images', dtype: 'float32' as const, shape: [1, 3, side, side] };
  return {
    inputs: [image],
    outputs: outputs.map(({ name, dtype = 'float32', shape, declared = shape }) => ({
      name,
      dtype,
      shape: declared,
    })),
    nodes: [
      { operator: 'Cast', inputs: [image.name], outputs: ['pixels'], attributes: [to('float32')] },
      {
        operator: 'ReduceMax',
        inputs: ['pixels'],
        outputs: ['most'],
        attributes: [{ name: 'keepdims', int: 0 }],
      },
      { operator: 'Mul', inputs: ['most', 'nothing'], outputs: ['zero'] },
      ...outputs.flatMap(({ name, dtype = 'float32' }) => [
        { operator: 'Add', inputs: [`${name} given`, 'zero'], outputs: [`${name} sum`] },
        {
          operator: 'Cast',
          inputs: [`${name} sum`],
          outputs: [name],
          attributes: [to(dtype)],
        },
      ]),
    ],
    initializers: [
      floats('nothing', [0], []),
      ...outputs.map(({ name, values, shape }) => floats(`${name} given`, values, shape)),
    ],
    ...rest,
  };
}

const to = (dtype: keyof typeof CAST_TO) => ({ name: 'to', int: CAST_TO[dtype] });
