import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Pose } from '../contract/result.ts';
import type { TensorDeclaration } from '../contract/tensor.ts';
import type { DecodeContext } from './decoder.ts';
import { requireScore } from './output-values.ts';
import { sourcePoint } from './picture-area.ts';
import { outputMismatch } from './pick-output.ts';

/** COCO's 17 keypoints of a person, in the order of every model trained on them. */
const COCO_KEYPOINTS = [
  'nose',
  'left_eye',
  'right_eye',
  'left_ear',
  'right_ear',
  'left_shoulder',
  'right_shoulder',
  'left_elbow',
  'right_elbow',
  'left_wrist',
  'right_wrist',
  'left_hip',
  'right_hip',
  'left_knee',
  'right_knee',
  'left_ankle',
  'right_ankle',
];

/**
 * Names of a model's keypoints: the given ones, else COCO's where there are 17, else their numbers.
 */
export function keypointNames(given: readonly string[] | undefined, count: number): string[] {
  if (given?.length === count) return [...given];
  if (count === COCO_KEYPOINTS.length) return [...COCO_KEYPOINTS];
  return Array.from({ length: count }, (_, index) => String(index));
}

/**
 * Labels, where there are any, name the keypoints of one pose.
 * @param count keypoints of the output, where its shape says so
 * @throws VedetteError MODEL_MISMATCH
 */
export function requireKeypointLabels(
  decoder: ModelOutput['decoder'],
  count: number | string | null | undefined,
  labels: readonly string[],
  output: string,
  declarations: readonly TensorDeclaration[],
): void {
  if (typeof count !== 'number' || labels.length === 0 || labels.length === count) return;
  throw outputMismatch(
    decoder,
    `'${output}' has ${count} keypoints, there are ${labels.length} labels`,
    declarations,
  );
}

/**
 * Keypoints of a pose from its values: x and y in input pixels for each and, with three dimensions,
 * its score 0–1; with two a keypoint has the score of its pose.
 * @throws VedetteError OUTPUT_INVALID for a score that is none
 */
export function rowKeypoints(
  values: Float32Array,
  poseScore: number,
  settings: {
    readonly keypointNames?: readonly string[] | undefined;
    readonly keypointDimensions?: 2 | 3 | undefined;
  },
  output: string,
  context: DecodeContext,
): Pose['keypoints'] {
  const { keypointDimensions: dimensions = 3, keypointNames: names } = settings;
  return keypointNames(names, values.length / dimensions).map((name, index) => {
    const [x, y, raw] = values.subarray(index * dimensions, (index + 1) * dimensions);
    const score = dimensions === 3 ? requireScore(raw!, output) : poseScore;
    return { name, ...sourcePoint({ x: x!, y: y! }, context), score };
  });
}
