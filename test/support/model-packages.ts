import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { modelConfigSchema } from '../../component/contract/model-config.ts';
import type { ModelConfig } from '../../component/contract/model-config.ts';
import type { ModelManifestInput } from '../../component/contract/model-manifest.ts';
import type { Quantisation } from '../../component/contract/tensor.ts';
import { buildOnnx, floats, integers } from './onnx-builder.ts';
import type { OnnxInitializer, OnnxModel, OnnxNode } from './onnx-builder.ts';

/** Folders of model packages for one test file, removed with `close`. */
export class ModelPackages {
  readonly #root: string;
  #count = 0;

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(): Promise<ModelPackages> {
    return new ModelPackages(await mkdtemp(join(tmpdir(), 'vedette-models-')));
  }

  /** A package with this graph and what is special about its manifest. Returns its folder. */
  async add(
    model: OnnxModel | Buffer,
    manifest: Partial<ModelManifestInput> = {},
    files: Readonly<Record<string, string | Uint8Array>> = {},
  ): Promise<string> {
    this.#count += 1;
    const folder = await mkdtemp(join(this.#root, `package-${this.#count}-`));
    await writeFile(join(folder, 'model.onnx'), Buffer.isBuffer(model) ? model : buildOnnx(model));
    await writeFile(
      join(folder, 'model.json'),
      JSON.stringify({ ...anomalyManifest, ...manifest }),
    );
    for (const [name, content] of Object.entries(files)) {
      await writeFile(join(folder, name), content);
    }
    return folder;
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

export const anomalyManifest: ModelManifestInput = {
  name: 'brightness',
  version: '1.0.0',
  task: 'anomaly-detection',
  variants: [{ name: 'fp32', file: 'model.onnx' }],
  output: { decoder: 'anomaly' },
};

export const detectionManifest: ModelManifestInput = {
  ...anomalyManifest,
  name: 'boxes',
  task: 'object-detection',
  output: { decoder: 'end-to-end-detections' },
};

export function modelConfig(folder: string, more: Partial<ModelConfig> = {}): ModelConfig {
  return modelConfigSchema.parse({ package: folder, workers: 1, ...more });
}

const node = (
  operator: string,
  inputs: readonly string[],
  output: string,
  attributes: OnnxNode['attributes'] = [],
): OnnxNode => ({ operator, inputs, outputs: [output], attributes });

/**
 * A model whose `pred_score` is made of `mean`, the mean of an 8×8 picture (0–1), by the nodes given:
 * they read `mean` ([1, 1]) and write `pred_score`.
 */
export function brightnessModel(
  nodes: readonly OnnxNode[] = [node('Identity', ['mean'], 'pred_score')],
  initializers: readonly OnnxInitializer[] = [],
  more: Partial<OnnxModel> = {},
): OnnxModel {
  return {
    inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: 'pred_score', dtype: 'float32', shape: ['batch', 1] }],
    nodes: [
      node('ReduceMean', ['image'], 'mean4', [
        { name: 'axes', ints: [1, 2, 3] },
        { name: 'keepdims', int: 1 },
      ]),
      node('Reshape', ['mean4', 'two'], 'mean'),
      ...nodes,
    ],
    initializers: [integers('two', [1, 1]), ...initializers],
    ...more,
  };
}

/** NaN for every picture brighter than 0.9: the square root of a negative number. */
export const nanWhenBright = () =>
  brightnessModel(
    [node('Sub', ['limit', 'mean'], 'rest'), node('Sqrt', ['rest'], 'pred_score')],
    [floats('limit', [0.9])],
  );

/** NaN for every picture. */
export const alwaysNan = () =>
  brightnessModel(
    [node('Sub', ['limit', 'mean'], 'rest'), node('Sqrt', ['rest'], 'pred_score')],
    [floats('limit', [-1])],
  );

/** Loops so many times for every picture brighter than 0.9, not at all for others. */
export const loopsWhenBright = (iterations: number, from = 0.1) =>
  brightnessModel(
    [
      node('Add', ['mean', 'lift'], 'lifted'),
      node('Floor', ['lifted'], 'isBright'),
      node('Cast', ['isBright'], 'isBright64', [{ name: 'to', int: 7 }]),
      node('Mul', ['isBright64', 'iterations'], 'trips4'),
      node('Reshape', ['trips4', 'scalar'], 'trips'),
      node('Loop', ['trips', '', 'mean'], 'pred_score', [
        {
          name: 'body',
          graph: {
            inputs: [
              { name: 'index', dtype: 'int64', shape: [] },
              { name: 'goesOn', dtype: 'bool', shape: [] },
              { name: 'value', dtype: 'float32', shape: [1, 1] },
            ],
            outputs: [
              { name: 'goesOnNext', dtype: 'bool', shape: [] },
              { name: 'valueNext', dtype: 'float32', shape: [1, 1] },
            ],
            nodes: [
              node('Identity', ['goesOn'], 'goesOnNext'),
              node('Sqrt', ['value'], 'valueNext'),
            ],
          },
        },
      ]),
    ],
    [
      floats('lift', [from]),
      integers('iterations', [iterations]),
      { name: 'scalar', dtype: 'int64', shape: [0], data: new BigInt64Array(0) },
    ],
  );

/** Asks for so many gigabytes in its run. */
export const hungry = (gigabytes: number) =>
  brightnessModel(
    [
      node('Cast', ['mean'], 'zero', [{ name: 'to', int: 7 }]),
      node('Reshape', ['zero', 'one'], 'zero1'),
      node('Add', ['zero1', 'elements'], 'wanted'),
      node('ConstantOfShape', ['wanted'], 'huge', [
        { name: 'value', tensor: floats('value', [0.5]) },
      ]),
      node('ReduceMax', ['huge'], 'most', [{ name: 'keepdims', int: 0 }]),
      node('Reshape', ['most', 'two'], 'pred_score'),
    ],
    [integers('one', [1]), integers('elements', [gigabytes * 250_000_000])],
  );

/** Takes uint8 pixels [batch, 8, 8, 3] as they are. */
export const uint8Model = (): OnnxModel => ({
  inputs: [{ name: 'image', dtype: 'uint8', shape: ['batch', 8, 8, 3] }],
  outputs: [{ name: 'pred_score', dtype: 'float32', shape: ['batch', 1] }],
  nodes: [
    node('Cast', ['image'], 'pixels', [{ name: 'to', int: 1 }]),
    node('Div', ['pixels', 'full'], 'scaled'),
    node('ReduceMean', ['scaled'], 'mean4', [
      { name: 'axes', ints: [1, 2, 3] },
      { name: 'keepdims', int: 1 },
    ]),
    node('Reshape', ['mean4', 'two'], 'pred_score'),
  ],
  initializers: [integers('two', [1, 1]), floats('full', [255])],
});

/** The mean of halves, which it makes floats first. */
export const float16Model = (): OnnxModel => ({
  ...uint8Model(),
  inputs: [{ name: 'image', dtype: 'float16', shape: ['batch', 3, 8, 8] }],
  initializers: [integers('two', [1, 1]), floats('full', [1])],
});

/** The mean of bytes that stand for the values 0 to 1. */
export const quantisedModel = (
  dtype: 'int8' | 'uint8',
  { scale, zeroPoint }: Quantisation,
): OnnxModel => {
  const model = uint8Model();
  const data = dtype === 'int8' ? Int8Array.of(zeroPoint) : Uint8Array.of(zeroPoint);
  return {
    ...model,
    inputs: [{ name: 'image', dtype, shape: ['batch', 3, 8, 8] }],
    nodes: [
      node('DequantizeLinear', ['image', 'scale', 'zero'], 'pixels'),
      ...model.nodes.slice(1),
    ],
    initializers: [
      integers('two', [1, 1]),
      floats('full', [1]),
      floats('scale', [scale], []),
      { name: 'zero', dtype, shape: [], data },
    ],
  };
};

/** Gives these rows whatever it sees; its declared shape is open when `declared` is. */
export function boxesModel(
  rows: readonly (readonly number[])[],
  declared: readonly (number | string)[] = ['batch', 'n', 6],
  more: Partial<OnnxModel> = {},
): OnnxModel {
  const columns = rows[0]?.length ?? 6;
  return {
    inputs: [{ name: 'image', dtype: 'float32', shape: ['batch', 3, 8, 8] }],
    outputs: [{ name: 'boxes', dtype: 'float32', shape: declared }],
    nodes: [
      node('ReduceMax', ['image'], 'most', [{ name: 'keepdims', int: 0 }]),
      node('Mul', ['most', 'nothing'], 'zero'),
      node('Add', ['rows', 'zero'], 'boxes'),
    ],
    initializers: [
      floats('nothing', [0], []),
      floats('rows', rows.flat(), [1, rows.length, columns]),
    ],
    ...more,
  };
}

export const unknownOperator = (domain?: string) =>
  brightnessModel(
    [
      {
        ...node('Frobnicate', ['mean'], 'pred_score'),
        ...(domain === undefined ? {} : { domain }),
      },
    ],
    [],
    domain === undefined ? {} : { domains: { [domain]: 1 } },
  );

/** The mean of each 8×8 picture of a batch, by the nodes given from `means` ([batch, 1]) to `pred_score`. */
export function batchModel(
  nodes: readonly OnnxNode[] = [node('Identity', ['means'], 'pred_score')],
  initializers: readonly OnnxInitializer[] = [],
  batch: number | string = 'batch',
): OnnxModel {
  return {
    inputs: [{ name: 'image', dtype: 'float32', shape: [batch, 3, 8, 8] }],
    outputs: [{ name: 'pred_score', dtype: 'float32', shape: [batch, 1] }],
    nodes: [
      node('ReduceMean', ['image'], 'means4', [
        { name: 'axes', ints: [1, 2, 3] },
        { name: 'keepdims', int: 1 },
      ]),
      node('Reshape', ['means4', 'column'], 'means'),
      ...nodes,
    ],
    initializers: [integers('column', [-1, 1]), ...initializers],
  };
}

/** NaN for each picture of a batch that is brighter than 0.9. */
export const nanWhereBright = () =>
  batchModel(
    [node('Sub', ['limit', 'means'], 'rest'), node('Sqrt', ['rest'], 'pred_score')],
    [floats('limit', [0.9])],
  );

/** Its run fails when a picture is brighter than 0.9: it looks beyond the end of a table; else the mean. */
export const failsWhereBright = () =>
  batchModel(
    [
      node('Add', ['means', 'lift'], 'lifted'),
      node('Floor', ['lifted'], 'isBright'),
      node('Cast', ['isBright'], 'place', [{ name: 'to', int: 7 }]),
      node('Gather', ['table', 'place'], 'zero'),
      node('Add', ['zero', 'means'], 'pred_score'),
    ],
    [floats('lift', [0.1]), floats('table', [0])],
  );

/** Parts of the brightest picture of the batch: no picture's answer is its own. */
export const mixingModel = () =>
  batchModel([
    node('ReduceMax', ['means'], 'most', [{ name: 'keepdims', int: 1 }]),
    node('Div', ['means', 'most'], 'pred_score'),
  ]);
