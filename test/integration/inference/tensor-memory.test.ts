import { afterAll, beforeAll, expect, test } from 'vitest';
import * as runtime from 'onnxruntime-node';
import { ModelSession } from '../../../component/inference/model-session.ts';
import { modelSetup } from '../../../component/inference/model-setup.ts';
import type { ModelSetup } from '../../../component/inference/model-setup.ts';
import { readPackage } from '../../../component/inference/package/read-package.ts';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { bufferPoolStatistics, encodeJpeg, PooledBuffer } from '../../../native/index.ts';
import { ModelPackages, brightnessModel } from '../../support/model-packages.ts';
import { buildOnnx, integers } from '../../support/onnx-builder.ts';

let packages: ModelPackages;
beforeAll(async () => {
  packages = await ModelPackages.create();
});
afterAll(async () => {
  await packages.close();
});

const FLOATS = 16 * 2 ** 20;
const PAGES = (FLOATS * 4) / 4096;

test('ONNX Runtime reads pooled memory in place: a run copies nothing and sees what was written since', async () => {
  const model = buildOnnx({
    inputs: [{ name: 'all', dtype: 'float32', shape: [FLOATS] }],
    outputs: [{ name: 'two', dtype: 'float32', shape: [2] }],
    nodes: [{ operator: 'Gather', inputs: ['all', 'ends'], outputs: ['two'] }],
    initializers: [integers('ends', [0, FLOATS - 1])],
  });
  const session = await runtime.InferenceSession.create(model);
  const memory = PooledBuffer.acquire(FLOATS * 4);
  const values = new Float32Array(memory.buffer);
  const all = new runtime.Tensor('float32', values, [FLOATS]);
  const ends = async () => [...((await session.run({ all }))['two']!.data as Float32Array)];
  values[0] = 1;
  values[FLOATS - 1] = 2;
  expect(await ends()).toEqual([1, 2]);
  const before = process.resourceUsage().minorPageFault;
  for (let run = 3; run < 13; run++) {
    values[0] = run;
    values[FLOATS - 1] = -run;
    expect(await ends()).toEqual([run, -run]);
  }
  // Ten copies would touch ten times as many fresh pages as the tensor has.
  expect(process.resourceUsage().minorPageFault - before).toBeLessThan(PAGES);
  await session.release();
  memory.release();
});

async function setupOf(): Promise<ModelSetup> {
  return modelSetup(await readPackage(await packages.add(brightnessModel())), 1, 1_000_000);
}

test('a model that takes the place of another gets the memory of its input tensor', async () => {
  const setup = await setupOf();
  const { held, acquired } = bufferPoolStatistics();
  const first = await ModelSession.open(runtime, setup);
  await first.warmUp();
  expect(bufferPoolStatistics()).toMatchObject({ held: held + 1, acquired: acquired + 1 });
  await first.close();
  expect(bufferPoolStatistics().held).toBe(held);
  const { reused } = bufferPoolStatistics();
  const second = await ModelSession.open(runtime, setup);
  expect(bufferPoolStatistics()).toMatchObject({ held: held + 1, reused: reused + 1 });
  // What lies in the memory from before is not seen.
  const white = new Uint8Array(64 * 64).fill(255);
  const data = encodeJpeg({ format: 'gray8', width: 64, height: 64, data: white }, 90);
  const { findings } = await second.judge({
    image: { kind: 'encoded', data },
    view: WHOLE_FRAME,
    thresholds: { labels: {} },
    wantsAnomalyMap: false,
  });
  expect(findings.anomaly!.score).toBeCloseTo(1, 5);
  await second.close();
});

test('a model whose input tensor finds no memory is refused as one that needs too much', async () => {
  const setup = await setupOf();
  const all: PooledBuffer[] = [];
  for (let count = 0; count < 4096; count++) all.push(PooledBuffer.acquire(1));
  await expect(ModelSession.open(runtime, setup)).rejects.toThrow(
    expect.objectContaining({ code: 'MODEL_MEMORY_EXCEEDED' }),
  );
  for (const memory of all) memory.release();
  const session = await ModelSession.open(runtime, setup);
  await session.close();
});
