import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** Two connections wait to be taken where one may; Linux drops what asks for a further one. */
const FILLING = 2;
const LISTENS = `
const { parentPort, workerData } = require('node:worker_threads');
const server = require('node:net').createServer();
server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  parentPort.postMessage(server.address().port);
  Atomics.wait(workerData, 0, 0);
});`;

/** A port that gives no answer to who wants to connect, as the address of a camera that is off. */
export class UnreachablePort {
  readonly port: number;
  readonly #worker: Worker;
  readonly #filling: readonly Socket[];

  private constructor(port: number, worker: Worker, filling: readonly Socket[]) {
    this.port = port;
    this.#worker = worker;
    this.#filling = filling;
  }

  static async open(): Promise<UnreachablePort> {
    const workerData = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(LISTENS, { eval: true, workerData });
    const [port] = (await once(worker, 'message')) as [number];
    const filling = Array.from({ length: FILLING }, () => connect(port, '127.0.0.1'));
    await Promise.all(filling.map((socket) => once(socket, 'connect')));
    return new UnreachablePort(port, worker, filling);
  }

  async close(): Promise<void> {
    for (const socket of this.#filling) socket.destroy();
    await this.#worker.terminate();
  }
}
