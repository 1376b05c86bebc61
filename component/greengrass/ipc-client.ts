import { connect, type Socket } from 'node:net';
import { VedetteError } from '../contract/errors.ts';
import { encodeFrame, FLAG, FrameReader, MESSAGE, type Frame } from './eventstream-frames.ts';

/** Where the nucleus listens and what it knows this component by: both from the environment it gives. */
export interface IpcAddress {
  readonly socketFile: string;
  readonly authToken: string;
}

export type Fields = Readonly<Record<string, unknown>>;

export interface EventListener {
  readonly onEvent: (event: Fields) => void;
  /** The nucleus ended it, or the connection ended. */
  readonly onEnded?: () => void;
}

export interface Stream {
  /** What the nucleus answered first. */
  readonly answer: Fields;
  readonly close: () => void;
}

interface OpenStream {
  readonly operation: string;
  /** Of the first answer; nothing is waited for afterwards. */
  settle: ((answer: Fields | VedetteError) => void) | undefined;
  readonly listener: EventListener | undefined;
}

const VERSION = '0.1.0';
const NAMESPACE = 'aws.greengrass#';
/** A nucleus that answers in milliseconds has fallen silent when so many calls wait for it. */
const MAX_CALLS = 256;
/** A nucleus that leaves so much unread, in bytes, has stopped reading. */
const MAX_UNREAD_BYTES = 8 * 1024 * 1024;
const LAST_STREAM_ID = 2 ** 31 - 1;
const NOTHING = new Uint8Array();

/**
 * One connection to the nucleus: calls and subscriptions over one socket. When it ends, whatever
 * waits ends with GREENGRASS_UNAVAILABLE, and it never comes back.
 */
export class IpcClient {
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #lost = new AbortController();
  readonly #streams = new Map<number, OpenStream>();
  readonly #timeoutMs: number;
  #connected: ((refusal: VedetteError | undefined) => void) | undefined;
  #lastStreamId = 0;

  /** @throws VedetteError GREENGRASS_UNAVAILABLE, GREENGRASS_TIMEOUT */
  static async open(address: IpcAddress, timeoutMs: number): Promise<IpcClient> {
    const client = new IpcClient(address.socketFile, timeoutMs);
    try {
      await client.#connect(address.authToken);
      return client;
    } catch (error) {
      client.close();
      throw error;
    }
  }

  private constructor(socketFile: string, timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#socket = connect(socketFile);
    this.#socket.on('data', (bytes) => this.#take(bytes));
    this.#socket.on('error', (error: NodeJS.ErrnoException) =>
      this.#end(error.code ?? error.message),
    );
    this.#socket.on('close', () => this.#end('the nucleus closed it'));
  }

  /** Aborted when the connection ended, whoever ended it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** @throws VedetteError GREENGRASS_REFUSED, GREENGRASS_UNAVAILABLE, GREENGRASS_TIMEOUT */
  async call(operation: string, request: Fields): Promise<Fields> {
    const { id, answer } = this.#begin(operation, request);
    try {
      return await answer;
    } finally {
      this.#streams.delete(id);
    }
  }

  /**
   * Hears events until it is closed.
   * @throws VedetteError GREENGRASS_REFUSED, GREENGRASS_UNAVAILABLE, GREENGRASS_TIMEOUT
   */
  async subscribe(operation: string, request: Fields, listener: EventListener): Promise<Stream> {
    const { id, answer } = this.#begin(operation, request, listener);
    const close = () => {
      if (this.#streams.delete(id)) this.#terminate(id);
    };
    try {
      return { answer: await answer, close };
    } catch (error) {
      close();
      throw error;
    }
  }

  close(): void {
    this.#end('it was closed here');
  }

  async #connect(authToken: string): Promise<void> {
    const payload = Buffer.from(JSON.stringify({ authToken }));
    const headers = { ':version': VERSION };
    const answer = new Promise<void>((resolve, reject) => {
      this.#connected = (refusal) => (refusal ? reject(refusal) : resolve());
    });
    this.#send({ type: MESSAGE.connect, flags: FLAG.none, streamId: 0, headers, payload });
    await this.#within(answer, 'Connect');
    this.#connected = undefined;
  }

  #begin(operation: string, request: Fields, listener?: EventListener) {
    if (this.lost.aborted) throw unavailable(operation, 'the connection to the nucleus ended');
    if (this.#streams.size >= MAX_CALLS) {
      throw unavailable(operation, `${MAX_CALLS} calls wait for the nucleus`);
    }
    const id = (this.#lastStreamId += 1);
    const answer = new Promise<Fields>((resolve, reject) => {
      const settle = (given: Fields | VedetteError) =>
        given instanceof VedetteError ? reject(given) : resolve(given);
      this.#streams.set(id, { operation, settle, listener });
    });
    const payload = Buffer.from(JSON.stringify(request));
    const headers = { operation: NAMESPACE + operation };
    this.#send({ type: MESSAGE.application, flags: FLAG.none, streamId: id, headers, payload });
    // Ids are 31 bits and never used twice; the link connects again.
    if (id === LAST_STREAM_ID) this.#end('it is used up');
    return { id, answer: this.#within(answer, operation) };
  }

  async #within<T>(answer: Promise<T>, operation: string): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(timedOut(operation, this.#timeoutMs)), this.#timeoutMs);
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #take(bytes: Uint8Array): void {
    const frames = this.#understood(() => this.#reader.read(bytes));
    for (const frame of frames ?? []) this.#handle(frame);
  }

  /** What the nucleus sent; nothing, and the end of the connection, when it makes no sense. */
  #understood<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      this.#end(`the nucleus sent what is no message: ${(error as Error).message}`);
      return undefined;
    }
  }

  #handle(frame: Frame): void {
    const { type, flags, streamId } = frame;
    if (type === MESSAGE.ping) {
      this.#send({ ...frame, type: MESSAGE.pingResponse });
    } else if (type === MESSAGE.connectAck) {
      const isAccepted = (flags & FLAG.accepted) !== 0;
      const refusal = isAccepted
        ? undefined
        : unavailable('Connect', 'the nucleus knows no such token');
      this.#connected?.(refusal);
    } else if (type === MESSAGE.protocolError || type === MESSAGE.internalError) {
      this.#end(`the nucleus reports ${textOf(frame)}`);
    } else if (type === MESSAGE.application || type === MESSAGE.error) {
      const stream = this.#streams.get(streamId);
      // A call that took too long was given up.
      if (stream) this.#answer(streamId, stream, frame);
    }
  }

  #answer(id: number, stream: OpenStream, frame: Frame): void {
    const { settle, listener, operation } = stream;
    const isLast = (frame.flags & FLAG.terminate) !== 0;
    const answer = this.#understood(() => answerOf(operation, frame));
    if (answer === undefined) return;
    if (isLast) this.#streams.delete(id);
    stream.settle = undefined;
    if (settle) settle(answer);
    else if (!(answer instanceof VedetteError) && frame.payload.byteLength > 0)
      listener?.onEvent(answer);
    if (isLast && !settle) listener?.onEnded?.();
  }

  #terminate(streamId: number): void {
    if (this.lost.aborted) return;
    const { application: type } = MESSAGE;
    this.#send({ type, flags: FLAG.terminate, streamId, headers: {}, payload: NOTHING });
  }

  #send(frame: Frame): void {
    this.#socket.write(encodeFrame(frame));
    if (this.#socket.writableLength > MAX_UNREAD_BYTES)
      this.#end('the nucleus reads nothing any more');
  }

  #end(reason: string): void {
    if (this.lost.aborted) return;
    this.#lost.abort();
    this.#socket.destroy();
    this.#connected?.(unavailable('Connect', reason));
    const streams = [...this.#streams.values()];
    this.#streams.clear();
    for (const { operation, settle, listener } of streams) {
      if (settle) settle(unavailable(operation, `the connection to the nucleus ended: ${reason}`));
      else listener?.onEnded?.();
    }
  }
}

function answerOf(operation: string, frame: Frame): Fields | VedetteError {
  if (frame.type === MESSAGE.application) return fieldsOf(frame);
  const shape = frame.headers['service-model-type']?.replace(NAMESPACE, '');
  const fields = frame.headers[':content-type'] === 'text/plain' ? {} : fieldsOf(frame);
  // Under another name on each nucleus; lite gives no text at all for some.
  const reason = [fields['message'], fields['_message'], shape, fields['_errorCode']].find(
    (value): value is string => typeof value === 'string' && value !== '',
  );
  const message = `The nucleus refused ${operation}: ${reason ?? textOf(frame)}`;
  return new VedetteError('GREENGRASS_REFUSED', message, {
    details: { operation, ...(shape === undefined ? {} : { shape }) },
  });
}

/** @throws Error when it is no JSON object: the nucleus is not what it says */
function fieldsOf(frame: Frame): Fields {
  const text = textOf(frame);
  if (text === '') return {};
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Error('a payload that is no object');
}

const textOf = ({ payload }: Frame): string =>
  Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8');

const unavailable = (operation: string, reason: string): VedetteError =>
  new VedetteError('GREENGRASS_UNAVAILABLE', `${operation}: ${reason}`, { details: { operation } });

const timedOut = (operation: string, timeoutMs: number): VedetteError =>
  new VedetteError(
    'GREENGRASS_TIMEOUT',
    `The nucleus did not answer ${operation} within ${timeoutMs} ms`,
    { details: { operation, timeoutMs } },
  );
