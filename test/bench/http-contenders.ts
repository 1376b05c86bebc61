import { availableParallelism } from 'node:os';
import path from 'node:path';
import { pythonWith } from './python-with.ts';
import type { BenchContext } from './section.ts';
import { instrumentedNode, ServerProcess } from './server-process.ts';
import { sample, startVedette } from './vedette-process.ts';

/** A service that answers a JPEG with detections. */
export interface HttpContender {
  readonly name: string;
  readonly family: 'vedette' | 'node' | 'python';
  /** Threads that may run the model at the same time. */
  readonly threads: number;
  readonly server: ServerProcess;
  /** Where pictures are posted. */
  readonly url: string;
}

/** With one thread for the model, and with as many as there are cores. */
export async function startContenders(context: BenchContext): Promise<HttpContender[]> {
  const contenders: HttpContender[] = [];
  const { command: python } = pythonWith(PYTHON_MODULES);
  try {
    for (const threads of new Set([1, availableParallelism()])) {
      contenders.push(await vedette(context, threads), await plainNode(context, threads));
      if (python !== undefined) contenders.push(await plainPython(context, python, threads));
    }
    return contenders;
  } catch (error) {
    for (const { server } of contenders) await server.close();
    throw error;
  }
}

const PYTHON_MODULES = ['cv2', 'fastapi', 'numpy', 'onnxruntime', 'uvicorn'];

/** Why there is no Python service in the comparison; `undefined` when there is one. */
export function missingPython(): string | undefined {
  const { command, missing } = pythonWith(PYTHON_MODULES);
  if (command !== undefined) return undefined;
  return `FastAPI, uvicorn, OpenCV and ONNX Runtime are not all installed for one Python (${missing})`;
}

async function vedette(context: BenchContext, threads: number): Promise<HttpContender> {
  const name = `Vedette, ${count(threads, 'worker')}`;
  const server = await startVedette(context, name, {
    models: {
      'coco-detector': { package: sample(context.root, 'models/coco-detector'), workers: threads },
    },
  });
  const url = `${server.address}/api/v1/models/coco-detector/infer`;
  return { name, family: 'vedette', threads, server, url };
}

async function plainNode({ root }: BenchContext, threads: number): Promise<HttpContender> {
  const name = `plain Node, ${count(threads, 'thread')}`;
  const program = 'test/bench/peers/plain-node-service.mjs';
  const server = await ServerProcess.start(
    instrumentedNode(name, root, program, serviceArguments(root, threads)),
  );
  return { name, family: 'node', threads, server, url: `${server.address}/infer` };
}

async function plainPython(
  { root }: BenchContext,
  command: string,
  threads: number,
): Promise<HttpContender> {
  const name = `plain Python, ${count(threads, 'thread')}`;
  const program = path.join(root, 'test/bench/peers/plain_python_service.py');
  const server = await ServerProcess.start({
    name,
    command,
    args: [program, ...serviceArguments(root, threads)],
    cwd: root,
    isInstrumented: false,
  });
  return { name, family: 'python', threads, server, url: `${server.address}/infer` };
}

function serviceArguments(root: string, threads: number): string[] {
  const model = sample(root, 'models/coco-detector');
  return [path.join(model, 'model.onnx'), path.join(model, 'labels.txt'), String(threads)];
}

const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;
