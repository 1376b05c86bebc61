import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';
import type { RecognisedFamily } from './recognised-family.ts';

/**
 * anomalib's exports: version 2 by the names of its outputs, OpenVINO Model API's by its metadata,
 * version 1 by `input`, `output` and a map of the input's size.
 */
export function anomaly(
  { inputs, outputs }: OnnxStructure,
  { normalisation, task }: ModelMetadata,
): RecognisedFamily | undefined {
  const family = { task: 'anomaly-detection', output: { decoder: 'anomaly' } } as const;
  const names = new Set(outputs.map(({ name }) => name));
  if (names.has('pred_score') || normalisation) return { ...family, guesses: [] };
  const missing =
    'output.normalisation is absent: where the map is not 0–1 yet, give the values of the export’s metadata.json';
  if (names.has('anomaly_map')) return { ...family, guesses: [missing] };
  const [input] = inputs;
  const first = outputs.find(({ name }) => name === 'output');
  const isMap =
    task === undefined &&
    input?.name === 'input' &&
    first?.shape.length === 4 &&
    first.shape[1] === 1 &&
    input.shape.length === 4 &&
    first.shape[2] === input.shape[2] &&
    first.shape[3] === input.shape[3];
  if (!isMap) return undefined;
  return {
    ...family,
    guesses: ['the one map is taken for an anomaly map, as anomalib 1 has it', missing],
  };
}
