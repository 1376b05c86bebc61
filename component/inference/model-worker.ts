/** Thread of one model: loads it, warms it up, then answers one job after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { getPriority } from 'node:os';
import { VedetteError } from '../contract/errors.ts';
import type { RegionAnswer, RegionsRequest } from '../contract/ports.ts';
import { loadRuntime } from './execution/load-runtime.ts';
import { ModelSession, onlyRegion } from './model-session.ts';
import { RunMark } from './run-mark.ts';
import { comeBack, stepAside } from './thread-priority.ts';
import type {
  FromWorker,
  ModelWorkerData,
  ToWorker,
  WorkerAnswer,
  WorkerJob,
  WorkerReply,
} from './worker-protocol.ts';

const port = parentPort!;
const post = (message: FromWorker, transfer: ArrayBuffer[] = []) =>
  port.postMessage(message, transfer);

let session: ModelSession;
let opened: ModelSession | undefined;
try {
  const { setup, mark } = workerData as ModelWorkerData;
  const niceness = getPriority(0);
  if (setup.stepAside) stepAside(setup.stepAside);
  const runtime = await loadRuntime(setup.execution.library);
  opened = await ModelSession.open(runtime, setup, RunMark.attach(mark));
  session = opened;
  await session.warmUp();
  const execution = await session.executionReport();
  if (setup.stepAside === 'loading') comeBack(niceness);
  port.on('message', (message: ToWorker) => void receive(message));
  post({ kind: 'ready', execution });
} catch (error) {
  post({ kind: 'refused', error: VedetteError.from(error).serialize() });
  await opened?.close();
  port.close();
}

async function receive(message: ToWorker): Promise<void> {
  if (message.kind === 'close') {
    await session.close();
    port.close();
    return;
  }
  const { id, jobs } = message;
  const answers = await answer(jobs);
  const replies = answers.flatMap((one) => ('reply' in one ? [one.reply] : []));
  post({ kind: 'done', id, answers }, replies.flatMap(ownedBuffers));
}

async function answer(jobs: readonly WorkerJob[]): Promise<WorkerAnswer[]> {
  const [job] = jobs;
  if (jobs.length > 1 || job?.kind === 'picture' || job?.kind === 'regions') {
    const found = await session.judgeAll(jobs.map(regionsOf));
    return found.map((reply, index) => {
      if (reply instanceof VedetteError) return { error: reply.serialize() };
      return { reply: jobs[index]!.kind === 'picture' ? onlyRegion(reply) : reply };
    });
  }
  try {
    return [{ reply: await runGraph(job!) }];
  } catch (error) {
    return [{ error: VedetteError.from(error).serialize() }];
  }
}

function regionsOf(job: WorkerJob): RegionsRequest {
  if (job.kind === 'regions') return job;
  if (job.kind === 'picture') return { ...job, views: [job.view] };
  throw new VedetteError('INTERNAL', `a job of kind ${job.kind} cannot share a run`);
}

function runGraph(job: WorkerJob): Promise<WorkerReply> {
  if (job.kind === 'tensors') return session.runTensors(job);
  if (job.kind === 'picture-tensors') return session.pictureTensors(job.data, job.outputs);
  throw new VedetteError('INTERNAL', `a job of kind ${job.kind} has no tensors`);
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
