import { VedetteError } from '../../component/contract/errors.ts';
import type { ModelStatus } from '../../component/contract/ports.ts';
import type { TensorDeclaration, TensorValue } from '../../component/contract/tensor.ts';
import { parseRequestValue } from '../request-values.ts';
import { datatypeOf } from './datatypes.ts';
import type { InferBody } from './infer-body.ts';
import { inferRequestSchema } from './infer-request-schema.ts';
import type { RequestedInput } from './infer-request-schema.ts';
import { pictureOf } from './picture-input.ts';
import { elementsOf, tensorFromBytes, tensorFromJson } from './tensor-values.ts';

export interface RequestedOutput {
  readonly name: string;
  readonly isBinary: boolean;
  /** The best so many classes in place of the tensor. */
  readonly classes?: number;
}

export interface InferRequest {
  readonly id?: string;
  readonly payload:
    | { readonly kind: 'tensors'; readonly inputs: readonly TensorValue[] }
    | { readonly kind: 'picture'; readonly data: Uint8Array<ArrayBuffer> };
  /** All outputs of the model when absent. */
  readonly outputs?: readonly RequestedOutput[];
  /** How outputs are sent that the request does not name. */
  readonly isBinaryByDefault: boolean;
}

/**
 * A request checked against what the model declares, before the model is asked.
 *
 * @throws VedetteError REQUEST_INVALID, TENSOR_INVALID, MODEL_NOT_READY while nothing is declared
 */
export function readInferRequest(body: InferBody, model: ModelStatus): InferRequest {
  const { inputs: declared, outputs: declaredOutputs } = model;
  if (declared === undefined || declaredOutputs === undefined) {
    throw new VedetteError('MODEL_NOT_READY', `Model ${model.name} is ${model.state}`);
  }
  if (body.json === undefined) return rawRequest(body.binary, declared);

  const request = parseRequestValue(inferRequestSchema, body.json, 'request');
  refuseSharedMemory([...request.inputs, ...(request.outputs ?? [])]);
  const isBinaryByDefault = request.parameters.binary_data_output === true;
  const outputs = request.outputs?.map((output) => {
    refuseUnknown('output', output.name, declaredOutputs);
    return requestedOutput(output.name, output.parameters, isBinaryByDefault);
  });
  return {
    ...(request.id === undefined ? {} : { id: request.id }),
    payload: readPayload(request.inputs, body.binary, declared),
    ...(outputs === undefined || outputs.length === 0 ? {} : { outputs }),
    isBinaryByDefault,
  };
}

function readPayload(
  inputs: readonly RequestedInput[],
  binary: Uint8Array<ArrayBuffer>,
  declared: readonly TensorDeclaration[],
): InferRequest['payload'] {
  const values: TensorValue[] = [];
  let picture: Uint8Array<ArrayBuffer> | undefined;
  let offset = 0;
  for (const input of inputs) {
    const declaration = refuseUnknown('input', input.name, declared);
    const isOnlyInput = inputs.length === 1;
    const byteLength = binaryLength(input, binary.length - offset, isOnlyInput);
    const bytes =
      byteLength === undefined ? undefined : binary.subarray(offset, offset + byteLength);
    offset += byteLength ?? 0;
    if (input.datatype === 'BYTES' && declaration.shape.length === 4) {
      picture = pictureOf(input, bytes);
      continue;
    }
    refuseMismatch(input, declaration);
    values.push(
      bytes === undefined
        ? tensorFromJson(input)
        : tensorFromBytes(input, bytes, isOnlyInput && offset === binary.length),
    );
  }
  if (offset !== binary.length) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `${binary.length} bytes of binary data came, but the inputs account for ${offset}`,
    );
  }
  refuseIncomplete(inputs, declared);
  if (picture === undefined) return { kind: 'tensors', inputs: values };
  if (inputs.length > 1) {
    throw new VedetteError('TENSOR_INVALID', 'A picture cannot be mixed with other inputs');
  }
  return { kind: 'picture', data: picture };
}

/** A body without JSON is the one input, its outputs all binary. */
function rawRequest(
  binary: Uint8Array<ArrayBuffer>,
  declared: readonly TensorDeclaration[],
): InferRequest {
  const [declaration] = declared;
  if (declaration === undefined || declared.length !== 1) {
    throw new VedetteError(
      'TENSOR_INVALID',
      `A raw request needs a model with one input; this one has ${declared.length}`,
    );
  }
  // The protocol fixes the batch of a raw request at one.
  const shape = declaration.shape.map((size) => (typeof size === 'number' && size >= 0 ? size : 1));
  const datatype = datatypeOf(declaration.dtype);
  const input = { name: declaration.name, shape, datatype, parameters: {} };
  return {
    payload: { kind: 'tensors', inputs: [tensorFromBytes(input, binary, true)] },
    isBinaryByDefault: true,
  };
}

function binaryLength(
  input: RequestedInput,
  remaining: number,
  isOnlyInput: boolean,
): number | undefined {
  const size = input.parameters.binary_data_size;
  if (size === undefined) {
    return isOnlyInput && input.data === undefined && remaining > 0 ? remaining : undefined;
  }
  if (input.data !== undefined) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `Input ${input.name} has both data and binary_data_size; expected one of them`,
    );
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0 || size > remaining) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `Input ${input.name}: binary_data_size is ${JSON.stringify(size)?.slice(0, 40)}, but ` +
        `${remaining} bytes of binary data are left`,
    );
  }
  return size;
}

function requestedOutput(
  name: string,
  given: Readonly<Record<string, unknown>>,
  isBinaryByDefault: boolean,
): RequestedOutput {
  const { classification } = given;
  const isBinary = typeof given.binary_data === 'boolean' ? given.binary_data : isBinaryByDefault;
  if (classification === undefined || classification === 0) return { name, isBinary };
  if (!Number.isSafeInteger(classification) || (classification as number) < 0) {
    throw new VedetteError(
      'REQUEST_INVALID',
      `Output ${name}: classification is not a whole number of classes`,
    );
  }
  return { name, isBinary, classes: classification as number };
}

function refuseUnknown(
  kind: 'input' | 'output',
  name: string,
  declared: readonly TensorDeclaration[],
): TensorDeclaration {
  const declaration = declared.find((entry) => entry.name === name);
  if (declaration !== undefined) return declaration;
  throw new VedetteError(
    'TENSOR_INVALID',
    `The model has no ${kind} ${JSON.stringify(name.slice(0, 100))}; it has ` +
      declared.map((entry) => entry.name).join(', '),
  );
}

function refuseMismatch(input: RequestedInput, declaration: TensorDeclaration): void {
  const expected = datatypeOf(declaration.dtype);
  const isOtherType = input.datatype !== expected && !/^B?FP?16$/.test(input.datatype);
  const fits =
    input.shape.length === declaration.shape.length &&
    declaration.shape.every(
      (size, axis) => typeof size !== 'number' || size < 0 || size === input.shape[axis],
    );
  if (fits && !isOtherType) return;
  throw new VedetteError(
    'TENSOR_INVALID',
    `Input ${input.name}: expected ${expected} [${declaration.shape.map((size) => size ?? '?')}], ` +
      `got ${input.datatype.slice(0, 40)} [${input.shape}] (${elementsOf(input.shape)} elements)`,
  );
}

function refuseIncomplete(
  inputs: readonly RequestedInput[],
  declared: readonly TensorDeclaration[],
): void {
  const names = inputs.map((input) => input.name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  const missing = declared.filter((entry) => !names.includes(entry.name));
  if (twice === undefined && missing.length === 0) return;
  throw new VedetteError(
    'TENSOR_INVALID',
    twice === undefined
      ? `The request lacks the input ${missing.map((entry) => entry.name).join(', ')}`
      : `The request has the input ${twice} twice`,
  );
}

function refuseSharedMemory(
  tensors: readonly { name: string; parameters: Readonly<Record<string, unknown>> }[],
): void {
  for (const { name, parameters: given } of tensors) {
    if ('shared_memory_region' in given) {
      throw new VedetteError(
        'REQUEST_INVALID',
        `Tensor ${name} asks for shared memory, which this server does not offer: send the data`,
      );
    }
  }
}
