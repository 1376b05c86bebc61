import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { endWithThisRun } from './server-process.ts';

/** What `peers/bare-workers.ts` is started with. */
export interface BareWork {
  readonly modelFile: string;
  readonly inputName: string;
  readonly spec: unknown;
  readonly pictures: readonly string[];
  readonly workers: number;
}

/** How many pictures all workers together did, and how long they were at it. */
export interface BareTurn {
  readonly pictures: number;
  readonly elapsedMs: number;
}

/** ONNX Runtime in worker threads of a process of its own, with nothing around it but the decoding. */
export class BareWorkers {
  readonly #child: ChildProcess;

  static async start(root: string, work: BareWork): Promise<BareWorkers> {
    const child = fork(path.join(root, 'test/bench/peers/bare-workers.ts'), [JSON.stringify(work)]);
    endWithThisRun(child, () => child.kill('SIGKILL'));
    await once(child, 'message');
    return new BareWorkers(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  async turn(turnMs: number): Promise<BareTurn> {
    const answer = once(this.#child, 'message');
    this.#child.send(turnMs);
    const [turn] = (await answer) as [BareTurn];
    return turn;
  }

  /** Between turns its threads sleep, so that ending it ends nothing inside of ONNX Runtime. */
  async close(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
