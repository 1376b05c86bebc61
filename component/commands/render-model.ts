import type { TensorDeclaration, TensorSpec } from '../contract/tensor.ts';
import type { ModelDescription } from '../inference/describe-model.ts';
import { INPUT_FIELDS } from '../inference/package/input-origins.ts';
import type { InputField } from '../inference/package/input-origins.ts';

type Row = readonly [name: string, value: string, from?: string];

/** What `vedette model inspect` prints for people. The problem, if any, follows on stderr. */
export function renderModel(model: ModelDescription): string {
  const sections = [
    renderRows([...packageRows(model), ...graphRows(model), ...runRows(model)]),
    section('How a picture becomes the input', inputRows(model)),
    section('What the outputs mean', outputRows(model)),
    section('Variants', variantRows(model)),
    listed('Left out of model.json', model.facts?.missing ?? []),
    renderSuggestion(model),
  ];
  return sections.filter((text) => text !== '').join('\n');
}

function packageRows({ manifest, variant, sha256 }: ModelDescription): Row[] {
  const rows: Row[] = [];
  if (manifest) {
    rows.push(['model', `${manifest.name} ${manifest.version}`], ['task', manifest.task]);
    if (manifest.description) rows.push(['description', manifest.description]);
    if (manifest.licence) rows.push(['licence', manifest.licence]);
    for (const [name, value] of Object.entries(manifest.provenance)) {
      if (value !== undefined) rows.push([name, value]);
    }
    rows.push(['inspected', variant ?? '–']);
  }
  if (sha256) rows.push(['sha256', sha256]);
  return rows;
}

function graphRows({ graph }: ModelDescription): Row[] {
  if (!graph) return [];
  const opsets = Object.entries(graph.opsets).map(([domain, n]) => `${domain || 'ai.onnx'} ${n}`);
  const operators = Object.entries(graph.operators)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`);
  // Some exporters write weights as Constant nodes.
  const weights =
    graph.initializerCount > 0 ? `, ${graph.initializerCount} tensors of weights` : '';
  return [
    ['file', `${megabytes(graph.byteLength)}, producer ${graph.producer || 'unknown'}`],
    ['opset', `${opsets.join(', ')}, format version ${graph.irVersion}`],
    ...graph.inputs.map((one): Row => ['input', declaration(one)]),
    ...graph.outputs.map((one): Row => ['output', declaration(one)]),
    ['operators', `${graph.nodeCount} nodes${weights}: ${operators.join(', ')}`],
    ...Object.entries(graph.metadata).map(([key, value]): Row => [
      'metadata',
      `${key}: ${shortened(value)}`,
    ]),
    ...graph.externalFiles.map(({ name }): Row => ['weights in', name]),
  ];
}

function runRows({ probe, runtimeVersion, problem, manifest }: ModelDescription): Row[] {
  const runtime: Row = ['ONNX Runtime', runtimeVersion];
  if (!probe) return problem ? [runtime] : [runtime, ['first run', 'not tried']];
  const golden = manifest?.golden.length ?? 0;
  return [
    runtime,
    [
      'first run',
      `passed: loaded in ${probe.loadMs.toFixed(0)} ms, ran in ${probe.firstRunMs.toFixed(0)} ms, ` +
        `${probe.memoryMegabytes.toFixed(0)} MB of memory for the process`,
    ],
    ...(golden > 0
      ? [
          [
            'golden',
            `${golden} ${golden === 1 ? 'picture gave' : 'pictures gave'} what was expected`,
          ] as const,
        ]
      : []),
  ];
}

/** Each value with who said it: what is assumed is right only by luck. */
function inputRows({ input, facts }: ModelDescription): Row[] {
  if (!input || !facts) return [];
  return INPUT_FIELDS.flatMap((field): Row[] => {
    const origin = facts.origins[field];
    return origin === undefined ? [] : [[field, INPUT_TEXT[field](input), origin]];
  });
}

const INPUT_TEXT: Readonly<
  Record<InputField, (spec: TensorSpec & { name: string; sizeMultiple?: number }) => string>
> = {
  size: ({ width, height, sizeMultiple }) =>
    sizeMultiple === undefined
      ? `${width}×${height}`
      : `as the picture, in multiples of ${sizeMultiple} up to ${width}×${height}`,
  layout: ({ layout }) => layout,
  dtype: ({ dtype }) => dtype,
  colourOrder: ({ colourOrder }) => colourOrder,
  resize: ({ resize }) => resize,
  interpolation: ({ interpolation }) => interpolation,
  padValue: ({ padValue }) => String(padValue),
  scale: ({ scale }) => `pixel 0–255 × ${compact(scale)}`,
  mean: ({ mean }) => `− ${list(mean)}`,
  std: ({ std }) => `÷ ${list(std)}`,
  quantisation: ({ quantisation }) =>
    `÷ ${compact(quantisation?.scale ?? 1)}, + ${quantisation?.zeroPoint ?? 0}`,
};

function outputRows({ manifest, facts, labels }: ModelDescription): Row[] {
  if (!manifest) return [];
  const { decoder, ...settings } = manifest.output;
  if (!facts) return [['decoder', decoder]];
  const { recognised, namedBy, reads } = facts.decoder;
  const shown = Object.entries(settings).map(([key, value]) => `${key} ${String(value)}`);
  const alone =
    namedBy === 'the outputs of the file'
      ? 'recognised by the outputs of the file'
      : recognised === decoder
        ? `${namedBy}; the file's outputs say the same`
        : recognised
          ? `${namedBy}; the file's outputs alone would be taken for ${recognised}`
          : `${namedBy}; the file's outputs alone do not say it`;
  const rows: Row[] = [
    ['decoder', decoder, alone],
    ['reads', reads],
  ];
  if (shown.length > 0) rows.push(['settings', shown.join(', ')]);
  if (labels && labels.length > 0) {
    const first = labels.slice(0, 6).join(', ');
    const more = labels.length > 6 ? ', …' : '';
    rows.push(['labels', `${labels.length} from ${facts.labelsFrom}: ${first}${more}`]);
  }
  return rows;
}

function variantRows({ facts, manifest }: ModelDescription): Row[] {
  if (!facts) {
    const { variants = [] } = manifest ?? {};
    return variants.map(({ name, file, precision }) => [name, `${file}, ${precision}`]);
  }
  return facts.variants.map(({ name, file, precision, whyNotHere, reason }) => [
    name,
    `${file}, ${precision}`,
    whyNotHere === undefined
      ? reason === undefined
        ? 'could run here'
        : `inspected: ${reason}`
      : `does not run here: it ${whyNotHere}`,
  ]);
}

function renderSuggestion({ suggestion }: ModelDescription): string {
  if (!suggestion) return '';
  return (
    `A model.json to begin with (put it beside the file):\n` +
    `${JSON.stringify(suggestion.manifest, undefined, 2)}\n` +
    listed('Guessed, please check', suggestion.guesses)
  );
}

const listed = (title: string, items: readonly string[]): string =>
  items.length === 0 ? '' : `${title}:\n${items.map((item) => `  - ${item}\n`).join('')}`;

const section = (title: string, rows: readonly Row[]): string =>
  rows.length === 0 ? '' : `${title}:\n${renderRows(rows).replace(/^(?=.)/gm, '  ')}`;

/** The third column stands behind the longest of the values beside it that are short. */
function renderRows(rows: readonly Row[]): string {
  const names = Math.max(0, ...rows.map(([name]) => name.length));
  const values = Math.max(
    0,
    ...rows.map(([, value, from]) => (from === undefined ? 0 : value.length)),
  );
  return rows
    .map(([name, value, from]) => {
      const text = from === undefined ? value : `${value.padEnd(values)}  ${from}`;
      return `${name.padEnd(names)}  ${text}\n`;
    })
    .join('');
}

const declaration = ({ name, dtype, shape }: TensorDeclaration): string =>
  `${name}: ${dtype} [${shape.map((dimension) => dimension ?? '?').join(', ')}]`;

const MOST_METADATA = 300;
const shortened = (text: string): string =>
  text.length > MOST_METADATA
    ? `${text.slice(0, MOST_METADATA)}… (${text.length} characters)`
    : text;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const compact = (value: number): string => String(Number(value.toPrecision(6)));
const list = (values: readonly number[]): string =>
  values.length === 1 || new Set(values).size === 1
    ? compact(values[0] ?? 0)
    : `(${values.map(compact).join(', ')})`;
