import { connect, type Socket } from 'node:net';
import { VedetteError } from '../contract/errors.ts';
import { frameOf, MAX_FRAME_BYTES, readAnswer, type ModbusRequest } from './modbus-frame.ts';

export interface ModbusAddress {
  readonly host: string;
  readonly port: number;
  /** Of a device behind a gateway; devices that stand alone do not look at it. */
  readonly unitId: number;
  /** For the connection, and for each answer. */
  readonly timeoutMs: number;
}

interface Waiting {
  readonly request: ModbusRequest;
  readonly transactionId: number;
  readonly answer: PromiseWithResolvers<readonly number[]>;
  readonly timer: NodeJS.Timeout;
}

/**
 * One connection to a Modbus TCP device: one request at a time, because many devices know no more. After
 * an error of the connection or an answer that did not come in time it is closed and of no more use.
 */
export class ModbusClient {
  readonly #address: ModbusAddress;
  readonly #socket: Socket;
  #transactionId = 0;
  #waiting: Waiting | undefined;
  #received = Buffer.alloc(0);
  #failure: VedetteError | undefined;

  private constructor(address: ModbusAddress, socket: Socket) {
    this.#address = address;
    this.#socket = socket;
    socket.on('data', (bytes) => this.#take(bytes));
    socket.on('error', (cause) => this.#fail(this.#error(cause.message)));
    socket.on('close', () => this.#fail(this.#error('it closed the connection')));
  }

  /** @throws VedetteError FIELD_DEVICE_OFFLINE */
  static async open(address: ModbusAddress, signal: AbortSignal): Promise<ModbusClient> {
    const { host, port, timeoutMs } = address;
    const socket = connect({ host, port, noDelay: true, keepAlive: true });
    const client = new ModbusClient(address, socket);
    const connected = Promise.withResolvers<void>();
    const give = () => connected.reject(client.#failure);
    const stop = () => client.#fail(client.#error('it was given up'));
    const timer = setTimeout(
      () => client.#fail(client.#error(`no connection within ${timeoutMs} ms`)),
      timeoutMs,
    );
    socket.once('connect', () => connected.resolve()).once('close', give);
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    try {
      await connected.promise;
      return client;
    } finally {
      clearTimeout(timer);
      socket.off('close', give);
      signal.removeEventListener('abort', stop);
    }
  }

  get isOpen(): boolean {
    return this.#failure === undefined;
  }

  /**
   * @returns what was read: 0 or 1 for each coil or input, 0 to 65535 for each register; nothing after a write
   * @throws VedetteError FIELD_DEVICE_OFFLINE, FIELD_DEVICE_REFUSED
   */
  ask(request: ModbusRequest): Promise<readonly number[]> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#waiting) return Promise.reject(this.#error('a request is under way'));
    const transactionId = (this.#transactionId = (this.#transactionId + 1) % 65_536);
    const answer = Promise.withResolvers<readonly number[]>();
    const { timeoutMs, unitId } = this.#address;
    const timer = setTimeout(
      () => this.#fail(this.#error(`no answer within ${timeoutMs} ms`)),
      timeoutMs,
    );
    this.#waiting = { request, transactionId, answer, timer };
    this.#socket.write(frameOf(request, transactionId, unitId));
    return answer.promise;
  }

  close(): void {
    this.#fail(this.#error('the connection was closed here'));
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    while (this.#failure === undefined) {
      if (this.#received.length < 6) return;
      const length = 6 + this.#received.readUInt16BE(4);
      if (this.#received.readUInt16BE(2) !== 0 || length < 9 || length > MAX_FRAME_BYTES) {
        return this.#fail(this.#error('what it sends is not Modbus TCP'));
      }
      if (this.#received.length < length) return;
      const frame = this.#received.subarray(0, length);
      this.#received = this.#received.subarray(length);
      this.#answer(frame);
    }
  }

  #answer(frame: Buffer): void {
    const waiting = this.#waiting;
    if (waiting === undefined || frame.readUInt16BE(0) !== waiting.transactionId) {
      return this.#fail(this.#error('it answered what was not asked'));
    }
    this.#waiting = undefined;
    clearTimeout(waiting.timer);
    try {
      waiting.answer.resolve(readAnswer(frame, waiting.request));
    } catch (thrown) {
      const refusal = VedetteError.from(thrown, 'FIELD_DEVICE_OFFLINE');
      const error = new VedetteError(refusal.code, `${this.#where}: ${refusal.message}`);
      waiting.answer.reject(error);
      if (error.code === 'FIELD_DEVICE_OFFLINE') this.#fail(error);
    }
  }

  #fail(error: VedetteError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    clearTimeout(waiting.timer);
    waiting.answer.reject(error);
  }

  get #where(): string {
    const { host, port, unitId } = this.#address;
    return `Modbus device ${host}:${port}, unit ${unitId}`;
  }

  #error(what: string): VedetteError {
    return new VedetteError('FIELD_DEVICE_OFFLINE', `${this.#where}: ${what}`);
  }
}
