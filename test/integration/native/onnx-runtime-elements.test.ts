import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { createTensorData, type TensorSpec } from '../../../component/contract/tensor.ts';
import { rawToTensor } from '../../../native/index.ts';
import { buildOnnx } from '../../support/onnx-builder.ts';

const UPRIGHT = { rotation: 0, flip: 'none' } as const;
const LEVELS = Uint8Array.from({ length: 256 }, (_, level) => level);

/** What ONNX Runtime itself makes of the same float32 values, as numbers. */
async function onnxRuntime(
  operators: readonly { operator: string; outputs: string[]; inputs: string[]; to?: number }[],
  outputType: 'float32' | 'int8' | 'uint8',
  calls: readonly { value: Float32Array; scale: number; zero: Int8Array | Uint8Array }[],
): Promise<number[][]> {
  const model = buildOnnx({
    inputs: [
      { name: 'value', dtype: 'float32', shape: [256] },
      { name: 'scale', dtype: 'float32', shape: [] },
      { name: 'zero', dtype: outputType === 'int8' ? 'int8' : 'uint8', shape: [] },
    ],
    outputs: [{ name: 'out', dtype: outputType, shape: [256] }],
    nodes: operators.map(({ to, ...node }) => ({
      ...node,
      attributes: to === undefined ? [] : [{ name: 'to', int: to }],
    })),
  });
  const worker = new Worker(new URL('run-onnx-values.ts', import.meta.url), {
    workerData: { model, calls },
  });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

let state = 20_261_125;
function random(): number {
  state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
  return state / 2 ** 31;
}

function elements(change: Partial<TensorSpec>) {
  const spec: TensorSpec = {
    width: 256,
    height: 1,
    layout: 'nchw',
    dtype: 'float32',
    colourOrder: 'gray',
    resize: 'stretch',
    interpolation: 'bilinear',
    scale: 1,
    mean: [0],
    std: [1],
    padValue: 0,
    ...change,
  };
  const out = createTensorData(spec);
  rawToTensor({ data: LEVELS, width: 256, height: 1, format: 'gray8' }, UPRIGHT, spec, out);
  return out;
}

const normalisations = Array.from({ length: 200 }, (_, i) =>
  i === 0
    ? { scale: 1, mean: [0], std: [1] }
    : { scale: 1 / 255, mean: [random()], std: [(random() - 0.5) * 2 ** (i % 12)] },
);

test.each(['int8', 'uint8'] as const)(
  'quantised %s tensors are what ONNX Runtime’s QuantizeLinear makes of the float32 tensor',
  async (dtype) => {
    const [low, high] = dtype === 'int8' ? [-128, 127] : [0, 255];
    const cases = normalisations.map((normalisation, i) => {
      const values = elements(normalisation) as Float32Array;
      const span = Math.max(...values) - Math.min(...values);
      // Whole ratios give ties; some scales leave most of the range to be clamped.
      const steps = i % 3 === 0 ? 127.5 : 20 + random() * 600;
      const zeroPoint = low + Math.floor(random() * (high - low + 1));
      return { normalisation, values, quantisation: { scale: span / steps, zeroPoint } };
    });
    const want = await onnxRuntime(
      [{ operator: 'QuantizeLinear', inputs: ['value', 'scale', 'zero'], outputs: ['out'] }],
      dtype,
      cases.map(({ values, quantisation: { scale, zeroPoint } }) => ({
        value: values,
        scale,
        zero: dtype === 'int8' ? Int8Array.of(zeroPoint) : Uint8Array.of(zeroPoint),
      })),
    );
    cases.forEach(({ normalisation, quantisation }, i) => {
      const ours = elements({ ...normalisation, dtype, quantisation });
      expect([...ours], JSON.stringify({ normalisation, quantisation })).toEqual(want[i]);
    });
  },
  60_000,
);

test('float16 tensors are what ONNX Runtime’s Cast makes of the float32 tensor', async () => {
  const want = await onnxRuntime(
    [
      { operator: 'Cast', inputs: ['value'], outputs: ['half'], to: 10 },
      { operator: 'Cast', inputs: ['half'], outputs: ['out'], to: 1 },
    ],
    'float32',
    normalisations.map((normalisation) => ({
      value: elements(normalisation) as Float32Array,
      scale: 1,
      zero: Uint8Array.of(0),
    })),
  );
  normalisations.forEach((normalisation, i) => {
    const bits = elements({ ...normalisation, dtype: 'float16' }) as Uint16Array<ArrayBuffer>;
    expect([...new Float16Array(bits.buffer)]).toEqual(want[i]);
  });
}, 60_000);
