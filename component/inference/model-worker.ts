/** Thread of one model: loads it, warms it up, then answers one job after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { VedetteError } from '../contract/errors.ts';
import type { RegionAnswer } from '../contract/ports.ts';
import { ModelSession } from './model-session.ts';
import { RunMark } from './run-mark.ts';
import type {
  FromWorker,
  ModelWorkerData,
  ToWorker,
  WorkerJob,
  WorkerReply,
} from './worker-protocol.ts';

const port = parentPort!;
const post = (message: FromWorker, transfer: ArrayBuffer[] = []) =>
  port.postMessage(message, transfer);

// onnxruntime-node 1.30 looks for Float16Array and then refuses every float16 tensor.
delete (globalThis as { Float16Array?: unknown }).Float16Array;

let session: ModelSession;
try {
  const runtime = await import('onnxruntime-node');
  const { setup, mark } = workerData as ModelWorkerData;
  session = await ModelSession.open(runtime, setup, RunMark.attach(mark));
  await session.warmUp();
  port.on('message', (message: ToWorker) => void receive(message));
  post({ kind: 'ready' });
} catch (error) {
  post({ kind: 'refused', error: VedetteError.from(error).serialize() });
}

async function receive(message: ToWorker): Promise<void> {
  if (message.kind === 'close') {
    await session.close();
    port.close();
    return;
  }
  const { id, job } = message;
  try {
    const reply = await answer(job);
    post({ kind: 'done', id, reply }, ownedBuffers(reply));
  } catch (error) {
    post({ kind: 'failed', id, error: VedetteError.from(error).serialize() });
  }
}

function answer(job: WorkerJob): Promise<WorkerReply> {
  switch (job.kind) {
    case 'picture':
      return session.judge(job);
    case 'regions':
      return session.judgeRegions(job);
    case 'picture-tensors':
      return session.pictureTensors(job.data, job.outputs);
    case 'tensors':
      return session.runTensors(job);
  }
}

/** Buffers that nothing else looks at: moved to the main thread in place of being copied. */
function ownedBuffers(reply: WorkerReply): ArrayBuffer[] {
  if ('regions' in reply) return reply.regions.flatMap(mapBuffer);
  if ('findings' in reply) return mapBuffer(reply);
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of reply.outputs) {
    if (Array.isArray(data) || !(data.buffer instanceof ArrayBuffer)) continue;
    if (data.byteLength === data.buffer.byteLength) buffers.add(data.buffer);
  }
  return [...buffers];
}

const mapBuffer = ({ anomalyMap }: Pick<RegionAnswer, 'anomalyMap'>): ArrayBuffer[] =>
  anomalyMap ? [anomalyMap.data.buffer] : [];
