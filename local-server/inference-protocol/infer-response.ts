import { VedetteError } from '../../component/contract/errors.ts';
import type { ModelStatus, TensorAnswer } from '../../component/contract/ports.ts';
import type { TensorData, TensorValue } from '../../component/contract/tensor.ts';
import { topClasses } from './classification.ts';
import { datatypeOf } from './datatypes.ts';
import type { InferRequest, RequestedOutput } from './infer-request.ts';
import { integerVersion } from './model-version.ts';

/** Elements written as JSON between two turns of the event loop; some four milliseconds. */
const JSON_SLICE_ELEMENTS = 4096;

export interface InferResponse {
  /** Length of the JSON in bytes; absent when nothing follows it. */
  readonly jsonBytes?: number;
  readonly byteLength: number;
  /** The body in order. */
  readonly pieces: readonly Uint8Array[];
}

/**
 * The answer as bytes: JSON, then the raw outputs in the order of the JSON.
 *
 * @throws VedetteError OUTPUT_INVALID for values that JSON cannot hold
 */
export async function writeInferResponse(
  request: InferRequest,
  answer: TensorAnswer,
  model: ModelStatus,
): Promise<InferResponse> {
  const json = new JsonPieces();
  json.push(responseHead(request, answer));
  const binary: Uint8Array[] = [];
  for (const [index, output] of wantedOutputs(request, answer).entries()) {
    const tensor = findOutput(answer, output.name);
    const { shape, dtype, data } =
      output.classes === undefined ? tensor : topClasses(tensor, output.classes, model.labels);
    const head = { name: output.name, shape, datatype: datatypeOf(dtype) };
    json.push(index === 0 ? '' : ',');
    if (output.isBinary) {
      const bytes = bytesOf(data);
      binary.push(bytes);
      json.push(JSON.stringify({ ...head, parameters: { binary_data_size: bytes.length } }));
    } else {
      json.push(JSON.stringify(head).slice(0, -1), ',"data":[');
      await pushValues(json, output.name, dtype === 'bool' ? booleans(data) : data);
      json.push(']}');
    }
  }
  json.push(']}');
  return {
    ...(binary.length === 0 ? {} : { jsonBytes: json.byteLength }),
    byteLength: json.byteLength + total(binary),
    pieces: [...json.pieces, ...binary].filter((piece) => piece.length > 0),
  };
}

/** JSON encoded as it is written, so that no turn of the event loop encodes all of it. */
class JsonPieces {
  readonly pieces: Uint8Array[] = [];
  byteLength = 0;

  push(...texts: string[]): void {
    const piece = Buffer.from(texts.join(''));
    this.pieces.push(piece);
    this.byteLength += piece.length;
  }
}

function responseHead(request: InferRequest, { model }: TensorAnswer): string {
  const head = {
    model_name: model.name,
    model_version: integerVersion(model.version),
    ...(request.id === undefined ? {} : { id: request.id }),
    parameters: {
      version: model.version,
      sha256: model.sha256,
      variant: model.variant,
      execution_provider: model.executionProvider,
    },
  };
  return `${JSON.stringify(head).slice(0, -1)},"outputs":[`;
}

function wantedOutputs(request: InferRequest, answer: TensorAnswer): readonly RequestedOutput[] {
  const { outputs, isBinaryByDefault: isBinary } = request;
  return outputs ?? answer.outputs.map(({ name }) => ({ name, isBinary }));
}

function findOutput(answer: TensorAnswer, name: string): TensorValue {
  const tensor = answer.outputs.find((output) => output.name === name);
  if (tensor === undefined) {
    throw new VedetteError('OUTPUT_INVALID', `The model did not give its output ${name}`);
  }
  return tensor;
}

async function pushValues(
  json: JsonPieces,
  name: string,
  data: TensorData | boolean[],
): Promise<void> {
  for (let start = 0; start < data.length; start += JSON_SLICE_ELEMENTS) {
    if (start > 0) await new Promise((resolve) => setImmediate(resolve));
    const slice = data.slice(start, start + JSON_SLICE_ELEMENTS);
    if (slice instanceof Float32Array || slice instanceof Float64Array)
      refuseNonFinite(name, slice);
    const isText = typeof slice[0] === 'string';
    json.push(
      start === 0 ? '' : ',',
      isText ? JSON.stringify(slice).slice(1, -1) : slice.join(','),
    );
  }
}

function refuseNonFinite(name: string, values: Float32Array | Float64Array): void {
  if (values.every(Number.isFinite)) return;
  throw new VedetteError(
    'OUTPUT_INVALID',
    `Output ${name} holds NaN or infinite values, which JSON cannot: ask for it with binary_data`,
  );
}

function booleans(data: TensorData): boolean[] {
  return Array.from(data as Uint8Array, (value) => value !== 0);
}

function bytesOf(data: TensorData): Uint8Array {
  if (!Array.isArray(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const elements = data.map((text) => Buffer.from(text, 'utf8'));
  return Buffer.concat(
    elements.flatMap((element) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(element.length);
      return [length, element];
    }),
  );
}

function total(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}
