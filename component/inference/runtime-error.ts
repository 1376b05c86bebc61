import { basename } from 'node:path';
import { VedetteError, type ErrorCode } from '../contract/errors.ts';

const OUT_OF_MEMORY =
  /bad_alloc|failed to allocate memory|out of memory|cannot allocate memory|array buffer allocation failed/i;
const UNKNOWN_OPERATOR = /fatal error: ([\w.]*?):?(\w+)\(-?\d+\) is not a registered/i;
const NO_KERNEL = /could not find an implementation for (\S+)/i;
const BAD_NODE = /in node, \("[^"]*", (\w+), "([^"]*)", -?\d+\).*?, error (.*)$/is;
const BAD_TYPE = /type '([^']+)' of input parameter \([^)]*\) of operator \((\w+)\)/i;
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
 * Why ONNX Runtime refused to create a session, with the operator, its domain and opset, or the format
 * version named where its message says so.
 * @param opsets of the model: version by domain
 */
export function loadError(
  thrown: unknown,
  modelFile: string,
  opsets: Readonly<Record<string, number>>,
): VedetteError {
  /** `Erf of the domain ai.onnx (opset 17)`, and the same for programs. */
  const named = (operator: string, domain = '') => {
    const opset = opsets[domain];
    const version = opset === undefined ? '' : ` (opset ${opset})`;
    return {
      text: `${operator} of the domain ${domain || 'ai.onnx'}${version}`,
      facts: { operator, domain: domain || 'ai.onnx', ...(opset === undefined ? {} : { opset }) },
    };
  };
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
  const unknown = UNKNOWN_OPERATOR.exec(text);
  if (unknown) {
    const operator = named(unknown[2]!, unknown[1]);
    return refused(`it has no operator ${operator.text}`, operator.facts);
  }
  const kernel = NO_KERNEL.exec(text);
  if (kernel) {
    const [domain, name] = domainAndName(kernel[1]!);
    const operator = named(name, domain);
    return refused(
      `the CPU provider has no implementation of ${operator.text} for its types: ${text}`,
      operator.facts,
    );
  }
  const inOpset = UNKNOWN_IN_OPSET.exec(text);
  if (inOpset) {
    const { facts } = named(inOpset[1]!, BAD_NODE.exec(text)?.[2]);
    return refused(`opset ${inOpset[2]} of ${facts.domain} has no operator ${inOpset[1]}`, {
      ...facts,
      opset: Number(inOpset[2]),
    });
  }
  const node = BAD_NODE.exec(text);
  if (node) {
    const operator = named(node[1]!, node[2]);
    return refused(`operator ${operator.text}: ${node[3]}`, operator.facts);
  }
  const type = BAD_TYPE.exec(text);
  if (type) {
    return refused(`operator ${named(type[2]!).text} takes no ${type[1]}`, named(type[2]!).facts);
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

/** `com.acme:Name(3)` and `Name(3)` as ONNX Runtime writes operators with their version. */
function domainAndName(text: string): [domain: string, name: string] {
  const plain = text.replace(/\(\d+\)$/, '');
  const at = plain.lastIndexOf(':');
  return at < 0 ? ['', plain] : [plain.slice(0, at), plain.slice(at + 1)];
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
