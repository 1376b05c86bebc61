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
