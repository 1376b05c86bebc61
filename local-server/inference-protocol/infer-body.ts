import { createGunzip, createInflate } from 'node:zlib';
import type { FastifyRequest } from 'fastify';
import type { Readable } from 'node:stream';
import { VedetteError } from '../../component/contract/errors.ts';
import { announcedLength } from '../body-reader.ts';
import type { BodyReader } from '../body-reader.ts';

/**
 * What JSON may hold, since parsing it holds up everything else: some 10 ms of the main thread at
 * the most. Time goes with the number of values and lists more than with bytes. A picture of
 * 256×256×3 as a flat list has 196 608.
 */
const MAX_JSON_BYTES = 4_194_304;
const MAX_JSON_VALUES = 200_000;

const COMMA = ','.charCodeAt(0);
const BRACKET = '['.charCodeAt(0);
const BRACE = '{'.charCodeAt(0);

/** The two parts of a request body: JSON and the raw tensors behind it. */
export interface InferBody {
  /** `undefined` in a raw request, which has one tensor and no JSON. */
  readonly json: unknown;
  readonly binary: Uint8Array<ArrayBuffer>;
}

/**
 * Reads a body whatever its Content-Type: the stock client sends none, or octet-stream.
 * Compressed bodies are inflated first, with the same limit for what comes out.
 */
export async function readProtocolBody(
  request: FastifyRequest,
  payload: Readable,
  bodies: BodyReader,
): Promise<Uint8Array<ArrayBuffer>> {
  const encoding = request.headers['content-encoding']?.toLowerCase() ?? 'identity';
  if (encoding === 'identity') {
    const byteLength = announcedLength(request);
    return bodies.read(request, payload, { byteLength, alignAt: jsonLength(request) ?? 0 });
  }
  if (encoding !== 'gzip' && encoding !== 'deflate') {
    throw new VedetteError(
      'REQUEST_INVALID',
      `The body has the Content-Encoding ${encoding.slice(0, 40)}; expected gzip or deflate`,
    );
  }
  const inflated = encoding === 'gzip' ? createGunzip() : createInflate();
  payload.once('error', (error) => inflated.destroy(error));
  payload.once('close', () => {
    if (!payload.readableEnded) inflated.destroy(new Error('the connection closed'));
  });
  payload.pipe(inflated);
  try {
    return await bodies.read(request, inflated);
  } catch (error) {
    if (error instanceof VedetteError) throw error;
    const cause = error instanceof Error ? error.message : String(error);
    throw new VedetteError('REQUEST_INVALID', `The ${encoding} body cannot be inflated: ${cause}`);
  } finally {
    inflated.destroy();
  }
}

/** Cuts the body where the header says; without the header all of it is JSON. */
export function splitBody(request: FastifyRequest): InferBody {
  const body = (request.body as Uint8Array<ArrayBuffer> | undefined) ?? new Uint8Array(0);
  const announced = jsonLength(request);
  if (announced === 0) return { json: undefined, binary: body };
  const jsonBytes = announced ?? body.length;
  if (jsonBytes > body.length) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `Inference-Header-Content-Length is ${jsonBytes}, but the body has only ${body.length} bytes`,
    );
  }
  return { json: parseJson(body.subarray(0, jsonBytes)), binary: body.subarray(jsonBytes) };
}

function jsonLength(request: FastifyRequest): number | undefined {
  const header = request.headers['inference-header-content-length'];
  if (header === undefined) return undefined;
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header)) {
    throw new VedetteError(
      'REQUEST_INVALID',
      'Inference-Header-Content-Length is not a whole number of bytes',
    );
  }
  return Number(header);
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > MAX_JSON_BYTES) throw tooMuchJson(`${bytes.length} bytes`);
  if (!hasFewValues(bytes)) throw tooMuchJson(`more than ${MAX_JSON_VALUES} values and lists`);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new VedetteError('REQUEST_INVALID', `The request is not JSON: ${cause.slice(0, 200)}`);
  }
}

function tooMuchJson(size: string): VedetteError {
  return new VedetteError(
    'BODY_TOO_LARGE',
    `The JSON of the request has ${size}; at most ${MAX_JSON_BYTES} bytes with ` +
      `${MAX_JSON_VALUES} values and lists are read. Send large tensors as binary data behind the ` +
      'JSON (`binary_data_size`): it is also many times faster',
  );
}

/** Counts what separates or opens values, in strings too: those in requests are names. */
function hasFewValues(bytes: Uint8Array): boolean {
  let count = 0;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === COMMA || byte === BRACKET || byte === BRACE) count += 1;
  }
  return count <= MAX_JSON_VALUES;
}
