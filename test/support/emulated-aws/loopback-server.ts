import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signerOf } from './credentials.ts';

/** A request with its body, as a handler sees it. */
export interface EmulatedRequest {
  readonly method: string;
  /** Decoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
  /** What is asked, such as `s3:UploadPart`: filled in by the service. */
  operation: string;
}

export interface EmulatedAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** Trouble on demand. */
export interface Fault {
  /** Of which operation; every one when absent. */
  readonly operation?: string;
  /** How often; for ever when absent. */
  times?: number;
  /** The answer, or `cut` for a connection that ends while the answer is awaited. */
  readonly answer: EmulatedAnswer | 'cut';
  /** Whether the service does its work before the fault: the client cannot know. */
  readonly isAfter?: boolean;
}

const MAX_BODY_BYTES = 256 * 1024 * 1024;

/** An HTTP server on the loopback interface with faults, a log of calls, and hooks around each call. */
export abstract class LoopbackServer {
  readonly faults: Fault[] = [];
  /** Every call in its order, as `s3:PutObject /bucket/key`. */
  readonly calls: string[] = [];
  /** Access keys that calls were signed with, in the same order. */
  readonly callers: string[] = [];
  /** Called before and after the work of each call. */
  onCall: (operation: string, moment: 'before' | 'after') => void | Promise<void> = () => undefined;
  /** Called for each piece of a body that arrives, before the next one is read. */
  onBody: (byteLength: number) => void | Promise<void> = () => undefined;
  /** How many were opened. */
  connections = 0;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', () => (this.connections += 1));
  }

  protected abstract operationOf(request: EmulatedRequest): string;
  protected abstract handle(request: EmulatedRequest): Promise<EmulatedAnswer> | EmulatedAnswer;

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(incoming, (byteLength) => this.onBody(byteLength));
    if (!body) return;
    const url = new URL(incoming.url ?? '/', 'http://127.0.0.1');
    const request: EmulatedRequest = {
      method: incoming.method ?? 'GET',
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: incoming.headers as Record<string, string | undefined>,
      body,
      operation: '',
    };
    request.operation = this.operationOf(request);
    this.calls.push(`${request.operation} ${request.path}`);
    this.callers.push(signerOf(request.headers['authorization'])?.accessKeyId ?? '');
    const fault = this.#takeFault(request.operation);
    await this.onCall(request.operation, 'before');
    let answer: EmulatedAnswer | 'cut' | undefined = fault?.isAfter ? undefined : fault?.answer;
    if (answer === undefined) {
      const worked = await this.handle(request);
      answer = fault?.answer ?? worked;
    }
    await this.onCall(request.operation, 'after');
    if (answer === 'cut') {
      incoming.socket.destroy();
      return;
    }
    const content =
      answer.body === undefined ? Buffer.alloc(0) : Buffer.from(answer.body as Buffer);
    response.writeHead(answer.status, {
      'x-amzn-requestid': `request-${this.calls.length}`,
      ...(request.method === 'HEAD' ? {} : { 'content-length': content.length }),
      ...answer.headers,
    });
    response.end(request.method === 'HEAD' ? undefined : content);
  }

  #takeFault(operation: string): Fault | undefined {
    const fault = this.faults.find(
      (one) => (one.operation === undefined || one.operation === operation) && (one.times ?? 1) > 0,
    );
    if (fault?.times !== undefined) fault.times -= 1;
    return fault;
  }
}

/** `undefined` when the client went away before it had sent everything. */
async function readBody(
  incoming: IncomingMessage,
  onPiece: (byteLength: number) => void | Promise<void>,
): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let byteLength = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      byteLength += chunk.length;
      if (byteLength > MAX_BODY_BYTES) throw new Error('the body is too large for the emulator');
      chunks.push(chunk);
      await onPiece(chunk.length);
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}
