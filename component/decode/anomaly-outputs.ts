import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration } from '../contract/tensor.ts';
import { mayBe, outputMismatch } from './pick-output.ts';

type Settings = Extract<ModelOutput, { decoder: 'anomaly' }>;

/** Which outputs of an anomaly model hold what; one of score and map at least is there. */
export interface AnomalyOutputs {
  readonly score: string | undefined;
  readonly map: string | undefined;
  readonly mask: string | undefined;
}

/** anomalib 2 names its outputs so. */
const NAMES = { score: 'pred_score', map: 'anomaly_map', mask: 'pred_mask' } as const;

/**
 * Those that are named in the manifest; else anomalib's names; else, as anomalib 1 exported them
 * (`output`, and what the exporter numbered), the first float map and the only float output of one
 * value.
 * @throws VedetteError MODEL_MISMATCH when there is neither a score nor a map
 */
export function anomalyOutputs(
  settings: Settings,
  declarations: readonly TensorDeclaration[],
): AnomalyOutputs {
  const named = (part: keyof typeof NAMES): string | undefined => {
    const wanted = settings[part];
    if (wanted !== undefined && !declarations.some(({ name }) => name === wanted)) {
      throw outputMismatch('anomaly', `there is no output '${wanted}'`, declarations);
    }
    return wanted ?? declarations.find(({ name }) => name === NAMES[part])?.name;
  };
  const [score, map, mask] = [named('score'), named('map'), named('mask')];
  if (score !== undefined || map !== undefined) return { score, map, mask };
  const floats = declarations.filter(({ dtype }) => dtype.startsWith('float'));
  const maps = floats.filter(canBeMap);
  const first = maps.find(({ name }) => name === 'output') ?? maps[0];
  const scores = floats.filter(canBeScore);
  const only = scores.length === 1 ? scores[0] : undefined;
  if (first || only) return { score: only?.name, map: first?.name, mask };
  throw outputMismatch(
    'anomaly',
    'expected a score of one value or a map [1, 1, H, W], named in output.score and output.map where they are not anomalib’s pred_score and anomaly_map',
    declarations,
  );
}

const canBeMap = ({ shape }: TensorDeclaration): boolean =>
  shape.length === 4 && mayBe(shape[0], 1) && shape[1] === 1;

const canBeScore = ({ shape }: TensorDeclaration): boolean =>
  shape.length <= 2 && shape.every((dimension) => mayBe(dimension, 1));
