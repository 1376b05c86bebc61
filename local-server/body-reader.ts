import type { Readable } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { VedetteError } from '../component/contract/errors.ts';

/** Bodies of all requests together may hold this many times the limit of one. */
const BUDGET_FACTOR = 4;
/** Copied between two turns of the event loop; some two milliseconds with fresh memory. */
const COPY_SLICE_BYTES = 1_048_576;

declare module 'fastify' {
  interface FastifyRequest {
    /** Body bytes counted against the budget of all requests until the answer is sent. */
    reservedBodyBytes: number;
  }
}

export interface ReadBodyOptions {
  /** Where the aligned part of the body begins, see `read`. */
  readonly alignAt?: number;
  /** The length of the stream in bytes where it is known beforehand. */
  readonly byteLength?: number | undefined;
}

/** Reads request bodies into memory of their own, which can be moved to a worker. */
export class BodyReader {
  readonly maxBytes: number;
  #reservedBytes = 0;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  releaseAfterResponses(app: FastifyInstance): void {
    app.decorateRequest('reservedBodyBytes', 0);
    app.addHook('onResponse', async (request) => {
      this.#reservedBytes -= request.reservedBodyBytes;
      request.reservedBodyBytes = 0;
    });
  }

  /**
   * The whole stream as bytes that share their buffer with nothing else. Byte `alignAt` lies on a
   * multiple of eight in that buffer when `byteLength` is given, so that tensors behind a JSON
   * header need no copy.
   *
   * @throws VedetteError BODY_TOO_LARGE, OVERLOADED when all bodies together are too large,
   * REQUEST_INVALID when the stream ends early
   */
  async read(
    request: FastifyRequest,
    stream: Readable,
    options: ReadBodyOptions = {},
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { byteLength, alignAt = 0 } = options;
    if (byteLength === undefined) return this.#readUnknownLength(request, stream);
    this.#reserve(request, byteLength, byteLength);
    const padding = (8 - (alignAt % 8)) % 8;
    const bytes = new Uint8Array(new ArrayBuffer(padding + byteLength), padding);
    let filled = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (filled + chunk.length > byteLength) throw tooLarge(byteLength);
      bytes.set(chunk, filled);
      filled += chunk.length;
    }
    if (filled !== byteLength) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `The body ended after ${filled} of the ${byteLength} bytes that Content-Length announced`,
      );
    }
    return bytes;
  }

  async #readUnknownLength(
    request: FastifyRequest,
    stream: Readable,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Buffer[] = [];
    let byteLength = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      byteLength += chunk.length;
      this.#reserve(request, chunk.length, byteLength);
      chunks.push(chunk);
    }
    return joinChunks(chunks, byteLength);
  }

  #reserve(request: FastifyRequest, moreBytes: number, bodyBytes: number): void {
    if (bodyBytes > this.maxBytes) throw tooLarge(this.maxBytes);
    if (this.#reservedBytes + moreBytes > this.maxBytes * BUDGET_FACTOR) {
      throw new VedetteError(
        'OVERLOADED',
        `Requests in progress hold ${this.#reservedBytes} bytes of pictures and tensors, at most ` +
          `${this.maxBytes * BUDGET_FACTOR} together`,
      );
    }
    this.#reservedBytes += moreBytes;
    request.reservedBodyBytes += moreBytes;
  }
}

/** The length that the client announced, when it did. */
export function announcedLength(request: FastifyRequest): number | undefined {
  const header = request.headers['content-length'];
  return header === undefined ? undefined : Number(header);
}

function tooLarge(maxBytes: number): VedetteError {
  return new VedetteError('BODY_TOO_LARGE', `The body is larger than ${maxBytes} bytes`);
}

async function joinChunks(
  chunks: readonly Buffer[],
  byteLength: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(new ArrayBuffer(byteLength));
  let filled = 0;
  let copiedInTurn = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, filled);
    filled += chunk.length;
    copiedInTurn += chunk.length;
    if (copiedInTurn >= COPY_SLICE_BYTES) {
      copiedInTurn = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return bytes;
}
