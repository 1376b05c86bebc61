/**
 * What throughput over HTTP is measured by: workers of one thread that decode a JPEG with the addon
 * and run the model, one picture after another. No server, no queue, no results.
 */
import { readFileSync } from 'node:fs';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { WHOLE_FRAME } from '../../../component/contract/frame.ts';
import { tensorElements, type TensorSpec } from '../../../component/contract/tensor.ts';
import { KeptTensor, jpegToTensor } from '../../../native/index.ts';
import type { BareTurn, BareWork } from '../bare-workers.ts';

if (isMainThread) await lead(JSON.parse(process.argv[2]!) as BareWork);
else await work(workerData as BareWork);

async function lead(task: BareWork): Promise<void> {
  const workers = Array.from(
    { length: task.workers },
    () => new Worker(new URL(import.meta.url), { workerData: task }),
  );
  const answers = () =>
    Promise.all(
      workers.map((worker) => new Promise<number>((resolve) => worker.once('message', resolve))),
    );
  await answers();
  process.on('message', (turnMs: number) => {
    const begin = performance.now();
    const done = answers();
    for (const worker of workers) worker.postMessage(turnMs);
    void done.then((counts) => {
      const pictures = counts.reduce((sum, count) => sum + count, 0);
      const turn: BareTurn = { pictures, elapsedMs: performance.now() - begin };
      process.send!(turn);
    });
  });
  process.send!('ready');
}

async function work({ modelFile, inputName, spec, pictures }: BareWork): Promise<void> {
  const runtime = await import('onnxruntime-node');
  const session = await runtime.InferenceSession.create(modelFile, {
    executionProviders: ['cpu'],
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    graphOptimizationLevel: 'all',
    extra: { session: { intra_op: { allow_spinning: '0' } } },
  });
  const { width, height } = spec as TensorSpec;
  const data = new Float32Array(tensorElements(spec as TensorSpec));
  const place = new KeptTensor(data);
  const input = new runtime.Tensor('float32', data, [1, 3, height, width]);
  const files = pictures.map((file) => readFileSync(file));
  let next = 0;
  const judge = async () => {
    const picture = files[next++ % files.length]!;
    jpegToTensor(picture, WHOLE_FRAME, spec as TensorSpec, place, 100_000_000);
    await session.run({ [inputName]: input });
  };
  await judge();
  const turn = async (turnMs: number) => {
    const end = performance.now() + turnMs;
    let count = 0;
    for (; performance.now() < end; count += 1) await judge();
    parentPort!.postMessage(count);
  };
  parentPort!.on('message', (turnMs: number) => void turn(turnMs));
  parentPort!.postMessage(0);
}
