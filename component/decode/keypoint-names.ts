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
