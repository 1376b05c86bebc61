import { basename } from 'node:path';
import { VedetteError, type ErrorCode } from '../contract/errors.ts';

const OUT_OF_MEMORY =
  /bad_alloc|failed to allocate memory|out of memory|cannot allocate memory|array buffer allocation failed/i;
const UNKNOWN_OPERATOR = /fatal error: ([\w.]*?):?(\w+)\(-?\d+\) is not a registered/i;
const NO_KERNEL = /could not find an implementation for (\S+)/i;
const UNKNOWN_IN_OPSET = /no op registered for (\w+) with domain_version of (\d+)/i;
const OPSET = /opset (\d+) is under development.*?domain (\S+) is till opset (\d+)/is;
const IR_VERSION = /unsupported model ir version: (\d+), max supported ir version: (\d+)/i;
const NOT_ONNX = /protobuf parsing failed|invalidprotobuf|invalid_protobuf/i;

/** What the addon says when it has no memory for an input tensor. */
const NO_MEMORY_CODES = new Set<ErrorCode>(['OVERLOADED', 'IMAGE_TOO_LARGE']);

export function isOutOfMemory(text: string): boolean {
  return OUT_OF_MEMORY.test(text);
}

/**
 * Why ONNX Runtime refused to create a session, with the operator, opset or format version named
 * where its message says so.
 */
export function loadError(thrown: unknown, modelFile: string): VedetteError {
  const text = messageOf(thrown);
  const file = basename(modelFile);
  if (thrown instanceof VedetteError && !NO_MEMORY_CODES.has(thrown.code)) return thrown;
  const refused = (explanation: string, details: Record<string, unknown> = {}) =>
    new VedetteError('MODEL_LOAD_FAILED', `ONNX Runtime refused ${file}: ${explanation}`, {
      cause: thrown,
      details: { modelFile, runtimeMessage: text, ...details },
    });
  if (isOutOfMemory(text) || thrown instanceof VedetteError) {
    return new VedetteError(
      'MODEL_MEMORY_EXCEEDED',
      `there was not enough memory to load ${file}: ${text}`,
      { cause: thrown, details: { modelFile } },
    );
  }
  const operator = UNKNOWN_OPERATOR.exec(text);
  if (operator) {
    const domain = operator[1] || 'ai.onnx';
    return refused(`it has no operator ${operator[2]} of the domain ${domain}`, {
      operator: operator[2],
      domain,
    });
  }
  const kernel = NO_KERNEL.exec(text);
  if (kernel)
    return refused(`no implementation of ${kernel[1]} for this processor: ${text}`, {
      operator: kernel[1],
    });
  const inOpset = UNKNOWN_IN_OPSET.exec(text);
  if (inOpset) {
    return refused(`opset ${inOpset[2]} has no operator ${inOpset[1]}`, {
      operator: inOpset[1],
      opset: Number(inOpset[2]),
    });
  }
  const opset = OPSET.exec(text);
  if (opset) {
    return refused(
      `its opset of ${opset[2]} is ${opset[1]}, expected at most ${opset[3]}; export with an older opset`,
      { opset: Number(opset[1]), maxOpset: Number(opset[3]) },
    );
  }
  const version = IR_VERSION.exec(text);
  if (version) {
    return refused(`its format version (IR) is ${version[1]}, expected at most ${version[2]}`, {
      irVersion: Number(version[1]),
    });
  }
  if (NOT_ONNX.test(text)) {
    return new VedetteError('MODEL_FILE_INVALID', `${file} is damaged or no ONNX file: ${text}`, {
      cause: thrown,
      details: { modelFile },
    });
  }
  return refused(text);
}

/** Why a run failed. */
export function runError(thrown: unknown): VedetteError {
  if (thrown instanceof VedetteError) return thrown;
  const text = messageOf(thrown);
  return new VedetteError('INFERENCE_FAILED', `ONNX Runtime could not run the model: ${text}`, {
    cause: thrown,
  });
}

const MAX_MESSAGE = 1000;

function messageOf(thrown: unknown): string {
  const text = (thrown instanceof Error ? thrown.message : String(thrown)).trim();
  return text.length > MAX_MESSAGE ? `${text.slice(0, MAX_MESSAGE)}…` : text;
}
