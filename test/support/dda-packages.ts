import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildZip } from './archive-builder.ts';
import { buildOnnx, floats } from './onnx-builder.ts';
import type { OnnxModel, OnnxNode } from './onnx-builder.ts';

/** A package of the Defect Detection Application: `manifest.json` and `<stage type>/model.onnx`. */
export interface DdaPackage {
  readonly manifest: object;
  readonly stageType: string;
  readonly model: OnnxModel | Buffer;
}

/** Folders and zips of DDA packages for one test file, removed with `close`. */
export class DdaPackages {
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
  }

  static async create(): Promise<DdaPackages> {
    return new DdaPackages(await mkdtemp(join(tmpdir(), 'vedette-dda-')));
  }

  async folder({ manifest, stageType, model }: DdaPackage): Promise<string> {
    const folder = await mkdtemp(join(this.#root, 'model-'));
    await mkdir(join(folder, stageType));
    await writeFile(join(folder, 'manifest.json'), JSON.stringify(manifest));
    await writeFile(join(folder, stageType, 'model.onnx'), bytesOf(model));
    return folder;
  }

  /** As DDA packs it: no folder around it. */
  async zip(name: string, { manifest, stageType, model }: DdaPackage): Promise<string> {
    const file = join(this.#root, name);
    await writeFile(
      file,
      buildZip([
        { name: 'manifest.json', data: Buffer.from(JSON.stringify(manifest)), isDeflated: true },
        { name: `${stageType}/`, mode: 0o40755 },
        { name: `${stageType}/model.onnx`, data: bytesOf(model), isDeflated: true },
      ]),
    );
    return file;
  }

  async close(): Promise<void> {
    await rm(this.#root, { recursive: true, force: true });
  }
}

const bytesOf = (model: OnnxModel | Buffer): Buffer =>
  Buffer.isBuffer(model) ? model : buildOnnx(model);

export interface ConstantOutput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A graph [1, 3, 8, 8] that gives these outputs whatever it sees. */
export function constantModel(outputs: readonly ConstantOutput[]): OnnxModel {
  const nodes: OnnxNode[] = [
    {
      operator: 'ReduceMax',
      inputs: ['image'],
      outputs: ['most'],
      attributes: [{ name: 'keepdims', int: 0 }],
    },
    { operator: 'Mul', inputs: ['most', 'nothing'], outputs: ['zero'] },
  ];
  return {
    inputs: [{ name: 'image', dtype: 'float32', shape: [1, 3, 8, 8] }],
    outputs: outputs.map(({ name, shape }) => ({ name, dtype: 'float32', shape })),
    nodes: [
      ...nodes,
      ...outputs.map(({ name }) => ({
        operator: 'Add',
        inputs: [`${name}-values`, 'zero'],
        outputs: [name],
      })),
    ],
    initializers: [
      floats('nothing', [0], []),
      ...outputs.map(({ name, values, shape }) => floats(`${name}-values`, values, shape)),
    ],
  };
}

/** The `model_graph` of a single stage, with what its LocalServer requires. */
export const graphOf = (type: string, stage: object = {}, more: object = {}) => ({
  model_graph_type: 'single_stage_model_graph',
  stages: [
    {
      type,
      threshold: 0.5,
      image_width: 8,
      image_height: 8,
      image_range_scale: true,
      normalize: false,
      input_shape: [1, 3, 8, 8],
      ...stage,
    },
  ],
  ...more,
});
