import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { VedetteError } from '../../contract/errors.ts';
import type { TensorDeclaration } from '../../contract/tensor.ts';
import { OnnxWire, eachField, invalid, readEntry, short } from './onnx-wire.ts';
import type { WireField } from './onnx-wire.ts';
import { readTensor } from './read-onnx-tensor.ts';
import type { ExternalFile } from './read-onnx-tensor.ts';
import { readValueInfo } from './read-onnx-value.ts';

/** What an ONNX file says of itself, weights left aside. */
export interface OnnxStructure {
  readonly byteLength: number;
  readonly irVersion: number;
  readonly producer: string;
  readonly graphName: string;
  /** Version by operator domain; the standard domain is ''. */
  readonly opsets: Readonly<Record<string, number>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Without the initializers that old exporters list among the inputs. */
  readonly inputs: readonly TensorDeclaration[];
  readonly outputs: readonly TensorDeclaration[];
  /**
   * The operator that makes the values of each output, by the output's name; operators that only
   * give them another shape or type are looked through. Absent for inputs and initializers.
   */
  readonly outputOperators: Readonly<Record<string, string>>;
  /** How often each operator occurs, subgraphs included; `domain:Name` outside the standard domain. */
  readonly operators: Readonly<Record<string, number>>;
  readonly nodeCount: number;
  readonly initializerCount: number;
  /** Files beside the model that hold its weights, by name. */
  readonly externalFiles: readonly ExternalFile[];
}

const MAX_METADATA_BYTES = 16 * 1024 * 1024;
const MAX_ENTRIES = 4096;
const MAX_NODES = 2_000_000;
const MAX_DEPTH = 16;

interface Draft {
  irVersion: number;
  producerName: string;
  producerVersion: string;
  graphName: string;
  hasGraph: boolean;
  readonly opsets: Map<string, number>;
  readonly metadata: Map<string, string>;
  metadataBytes: number;
  readonly inputs: TensorDeclaration[];
  readonly outputs: TensorDeclaration[];
  readonly initializers: Set<string>;
  readonly operators: Map<string, number>;
  /** Nodes of the main graph by their outputs. */
  readonly makers: Map<string, Maker>;
  nodeCount: number;
  readonly externalFiles: Map<string, number>;
}

interface Maker {
  readonly operator: string;
  readonly firstInput: string;
}

const VALUE_KEEPING = new Set(['Identity', 'Cast', 'Reshape', 'Squeeze', 'Unsqueeze', 'Flatten']);

/**
 * Reads the structure of an ONNX file (onnx.proto, ModelProto) without reading its weights: memory
 * and time depend on the graph, not on the file's size.
 * @throws VedetteError MODEL_FILE_INVALID when it is missing, cut short or no ONNX, saying at which
 * byte; MODEL_MISMATCH when an input or output is no tensor of a supported type
 */
export async function readOnnx(path: string): Promise<OnnxStructure> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    throw new VedetteError('MODEL_FILE_INVALID', `the ONNX file cannot be opened: ${path}`, {
      cause: error,
      details: { path },
    });
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new VedetteError('MODEL_FILE_INVALID', `${path} is not a file`);
    if (stat.size === 0) throw new VedetteError('MODEL_FILE_INVALID', `${path} is empty`);
    return await readModel(new OnnxWire(file, stat.size));
  } catch (error) {
    if (error instanceof VedetteError) {
      if (error.message.includes(path)) throw error;
      throw new VedetteError(error.code, `${path}: ${error.message}`, {
        details: { ...error.details, path },
      });
    }
    throw new VedetteError('MODEL_FILE_INVALID', `${path} cannot be read: ${String(error)}`, {
      cause: error,
      details: { path },
    });
  } finally {
    await file.close();
  }
}

async function readModel(wire: OnnxWire): Promise<OnnxStructure> {
  const draft: Draft = {
    irVersion: 0,
    producerName: '',
    producerVersion: '',
    graphName: '',
    hasGraph: false,
    opsets: new Map(),
    metadata: new Map(),
    metadataBytes: 0,
    inputs: [],
    outputs: [],
    initializers: new Set(),
    operators: new Map(),
    makers: new Map(),
    nodeCount: 0,
    externalFiles: new Map(),
  };
  await eachField(wire, 0, wire.byteLength, 'the model', async (field) => {
    if (field.number === 1 && field.wireType === 0) draft.irVersion = field.value;
    if (field.wireType !== 2) return;
    if (field.number === 2) draft.producerName = await short(wire, field);
    else if (field.number === 3) draft.producerVersion = await short(wire, field);
    else if (field.number === 7) {
      draft.hasGraph = true;
      await readGraph(wire, field, draft, 0);
    } else if (field.number === 8) await readOpset(wire, field, draft);
    else if (field.number === 14) await readMetadata(wire, field, draft);
  });
  if (!draft.hasGraph) throw invalid(wire.byteLength, 'the file ends without a graph');
  if (draft.irVersion < 1) throw invalid(0, 'the IR version is missing');
  if (draft.opsets.size === 0) throw invalid(wire.byteLength, 'the file ends without an opset');
  if (draft.outputs.length === 0) throw invalid(wire.byteLength, 'the graph has no output');
  return {
    byteLength: wire.byteLength,
    irVersion: draft.irVersion,
    producer: `${draft.producerName} ${draft.producerVersion}`.trim(),
    graphName: draft.graphName,
    opsets: Object.fromEntries(draft.opsets),
    metadata: Object.fromEntries(draft.metadata),
    inputs: draft.inputs.filter((input) => !draft.initializers.has(input.name)),
    outputs: draft.outputs,
    outputOperators: outputOperators(draft),
    operators: Object.fromEntries([...draft.operators].sort(([a], [b]) => (a < b ? -1 : 1))),
    nodeCount: draft.nodeCount,
    initializerCount: draft.initializers.size,
    externalFiles: [...draft.externalFiles]
      .map(([name, byteLength]) => ({ name, byteLength }))
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

function outputOperators(draft: Draft): Record<string, string> {
  const operators: [string, string][] = [];
  for (const { name } of draft.outputs) {
    let maker = draft.makers.get(name);
    for (
      let steps = 0;
      maker && VALUE_KEEPING.has(maker.operator) && steps < MAX_DEPTH;
      steps += 1
    ) {
      maker = draft.makers.get(maker.firstInput);
    }
    if (maker) operators.push([name, maker.operator]);
  }
  return Object.fromEntries(operators);
}

/** OperatorSetIdProto: domain 1, version 2. */
async function readOpset(wire: OnnxWire, opset: WireField, draft: Draft): Promise<void> {
  let domain = '';
  let version = 0;
  await eachField(wire, opset.start, opset.end, 'an opset', async (field) => {
    if (field.number === 1 && field.wireType === 2) domain = await short(wire, field);
    if (field.number === 2 && field.wireType === 0) version = field.value;
  });
  if (draft.opsets.size >= MAX_ENTRIES) throw invalid(opset.start, 'the model has too many opsets');
  draft.opsets.set(domain === 'ai.onnx' ? '' : domain, version);
}

async function readMetadata(wire: OnnxWire, field: WireField, draft: Draft): Promise<void> {
  draft.metadataBytes += field.end - field.start;
  if (draft.metadataBytes > MAX_METADATA_BYTES || draft.metadata.size >= MAX_ENTRIES) {
    throw invalid(field.start, `the metadata is larger than ${MAX_METADATA_BYTES} bytes`);
  }
  const { key, value } = await readEntry(wire, field, MAX_METADATA_BYTES);
  draft.metadata.set(key, value);
}

/** GraphProto: node 1, name 2, initializer 5, input 11, output 12, sparse_initializer 15. */
async function readGraph(
  wire: OnnxWire,
  graph: WireField,
  draft: Draft,
  depth: number,
): Promise<void> {
  if (depth > MAX_DEPTH) throw invalid(graph.start, `graphs are nested deeper than ${MAX_DEPTH}`);
  await eachField(wire, graph.start, graph.end, 'the graph', async (field) => {
    if (field.wireType !== 2) return;
    if (field.number === 1) await readNode(wire, field, draft, depth);
    else if (field.number === 5) {
      const name = await readTensor(wire, field, draft.externalFiles);
      if (depth === 0) draft.initializers.add(name);
    } else if (depth > 0) return;
    else if (field.number === 2) draft.graphName = await short(wire, field);
    else if (field.number === 11) draft.inputs.push(await readValueInfo(wire, field, 'input'));
    else if (field.number === 12) draft.outputs.push(await readValueInfo(wire, field, 'output'));
    if (draft.inputs.length > MAX_NODES || draft.outputs.length > MAX_ENTRIES) {
      throw invalid(field.start, 'the graph has too many inputs or outputs');
    }
  });
}

/** NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7. AttributeProto: t 5, g 6, tensors 10, graphs 11. */
async function readNode(
  wire: OnnxWire,
  node: WireField,
  draft: Draft,
  depth: number,
): Promise<void> {
  draft.nodeCount += 1;
  if (draft.nodeCount > MAX_NODES) throw invalid(node.start, `more than ${MAX_NODES} nodes`);
  let operator = '';
  let domain = '';
  let firstInput: string | undefined;
  const outputs: string[] = [];
  await eachField(wire, node.start, node.end, 'a node', async (field) => {
    if (field.wireType !== 2) return;
    if (field.number === 1) firstInput ??= await short(wire, field);
    else if (field.number === 2 && depth === 0 && outputs.length < MAX_ENTRIES) {
      outputs.push(await short(wire, field));
    } else if (field.number === 4) operator = await short(wire, field);
    else if (field.number === 7) domain = await short(wire, field);
    else if (field.number === 5) {
      await eachField(wire, field.start, field.end, 'an attribute', async (attribute) => {
        if (attribute.wireType !== 2) return;
        if (attribute.number === 5 || attribute.number === 10) {
          await readTensor(wire, attribute, draft.externalFiles);
        } else if (attribute.number === 6 || attribute.number === 11) {
          await readGraph(wire, attribute, draft, depth + 1);
        }
      });
    }
  });
  const name = domain === '' || domain === 'ai.onnx' ? operator : `${domain}:${operator}`;
  draft.operators.set(name, (draft.operators.get(name) ?? 0) + 1);
  for (const output of outputs) {
    draft.makers.set(output, { operator: name, firstInput: firstInput ?? '' });
  }
  if (draft.operators.size > MAX_ENTRIES) throw invalid(node.start, 'too many kinds of operators');
}
