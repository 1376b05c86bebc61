/** Worker of onnx-runtime-elements.test.ts: runs a model of value, scale and zero for each call. */
import { parentPort, workerData } from 'node:worker_threads';

// See component/inference/execution/load-runtime.ts.
delete (globalThis as { Float16Array?: unknown }).Float16Array;
const { InferenceSession, Tensor } = await import('onnxruntime-node');

interface Call {
  readonly value: Float32Array;
  readonly scale: number;
  readonly zero: Int8Array | Uint8Array;
}
const { model, calls } = workerData as { model: Uint8Array; calls: readonly Call[] };
// As the graph stands: an optimiser that joined both casts would show nothing.
const session = await InferenceSession.create(model, { graphOptimizationLevel: 'disabled' });
const results: number[][] = [];
for (const { value, scale, zero } of calls) {
  const type = zero instanceof Int8Array ? 'int8' : 'uint8';
  const { out } = await session.run({
    value: new Tensor('float32', value, [256]),
    scale: new Tensor('float32', Float32Array.of(scale), []),
    zero: new Tensor(type, zero, []),
  });
  results.push(Array.from(out!.data as Float32Array));
}
await session.release();
parentPort!.postMessage(results);
