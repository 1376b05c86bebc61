import type { TensorDeclaration } from '../contract/tensor.ts';
import type { ModelDescription } from '../inference/describe-model.ts';

type Row = readonly [name: string, value: string];

/** What `vedette model inspect` prints for people. The problem, if any, follows on stderr. */
export function renderModel(model: ModelDescription): string {
  const sections = [
    renderRows([...packageRows(model), ...graphRows(model), ...runRows(model)]),
    renderSuggestion(model),
  ];
  return sections.filter((section) => section !== '').join('\n');
}

function packageRows({ manifest, variant, sha256, labels, input }: ModelDescription): Row[] {
  const rows: Row[] = [];
  if (manifest) {
    rows.push(['model', `${manifest.name} ${manifest.version}`], ['task', manifest.task]);
    if (manifest.description) rows.push(['description', manifest.description]);
    if (manifest.licence) rows.push(['licence', manifest.licence]);
    const names = manifest.variants.map(({ name, file }) => `${name} (${file})`).join(', ');
    rows.push(['variants', names], ['inspected', variant ?? '–']);
    const { decoder, ...settings } = manifest.output;
    const shown = Object.entries(settings).map(([key, value]) => `${key} ${String(value)}`);
    rows.push(['decoder', [decoder, ...shown].join(', ')]);
  }
  if (sha256) rows.push(['sha256', sha256]);
  if (labels && labels.length > 0) {
    const first = labels.slice(0, 6).join(', ');
    rows.push(['labels', `${labels.length}: ${first}${labels.length > 6 ? ', …' : ''}`]);
  }
  if (input) {
    const { width, height, resize, interpolation, colourOrder, layout, dtype } = input;
    rows.push([
      'picture',
      `${width}×${height}, ${resize}, ${interpolation}, ${colourOrder}, ${layout}, ${dtype}; ` +
        `(pixel × ${compact(input.scale)} − ${list(input.mean)}) / ${list(input.std)}`,
    ]);
  }
  return rows;
}

function graphRows({ graph }: ModelDescription): Row[] {
  if (!graph) return [];
  const opsets = Object.entries(graph.opsets).map(([domain, n]) => `${domain || 'ai.onnx'} ${n}`);
  const operators = Object.entries(graph.operators)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`);
  return [
    ['file', `${megabytes(graph.byteLength)}, producer ${graph.producer || 'unknown'}`],
    ['opset', opsets.join(', ')],
    ...graph.inputs.map((one): Row => ['input', declaration(one)]),
    ...graph.outputs.map((one): Row => ['output', declaration(one)]),
    ['operators', `${graph.nodeCount} nodes: ${operators.join(', ')}`],
    ...Object.entries(graph.metadata).map(([key, value]): Row => ['metadata', `${key}: ${value}`]),
    ...graph.externalFiles.map(({ name }): Row => ['weights in', name]),
  ];
}

function runRows({ probe, runtimeVersion, problem }: ModelDescription): Row[] {
  const runtime: Row = ['ONNX Runtime', runtimeVersion];
  if (!probe) return problem ? [runtime] : [runtime, ['first run', 'not tried']];
  return [
    runtime,
    [
      'first run',
      `passed: loaded in ${probe.loadMs.toFixed(0)} ms, ran in ${probe.firstRunMs.toFixed(0)} ms, ` +
        `${probe.memoryMegabytes.toFixed(0)} MB of memory for the process`,
    ],
  ];
}

function renderSuggestion({ suggestion }: ModelDescription): string {
  if (!suggestion) return '';
  const guesses = suggestion.guesses.map((guess) => `  - ${guess}\n`).join('');
  return (
    `A model.json to begin with (put it beside the file):\n` +
    `${JSON.stringify(suggestion.manifest, undefined, 2)}\n` +
    (guesses === '' ? '' : `Guessed, please check:\n${guesses}`)
  );
}

const renderRows = (rows: readonly Row[]): string => {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
};

const declaration = ({ name, dtype, shape }: TensorDeclaration): string =>
  `${name}: ${dtype} [${shape.map((dimension) => dimension ?? '?').join(', ')}]`;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const compact = (value: number): string => String(Number(value.toPrecision(6)));
const list = (values: readonly number[]): string =>
  values.length === 1 || new Set(values).size === 1
    ? compact(values[0] ?? 0)
    : `(${values.map(compact).join(', ')})`;
