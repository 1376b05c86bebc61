import { z } from 'zod';
import { boolean, described, integer, mapOf, number } from './config-values.ts';
import { nameSchema } from './model-manifest.ts';

/** The name under which steps take the camera's picture. */
export const FRAME_INPUT = 'frame';

/** Settings that say which crops a step takes: of no use to the one that takes the frame. */
export const CROP_SETTINGS = [
  'labels',
  'minScore',
  'maxScore',
  'margin',
  'minSidePx',
  'maxCrops',
  'turnAt',
] as const;

export const chainStepSchema = z.strictObject({
  model: described(nameSchema, 'The model that runs, by its name in `models`'),
  input: described(
    nameSchema.default(FRAME_INPUT),
    '`frame`, or the step from whose findings crops are made; exactly one step takes the frame',
  ),
  scoreThreshold: described(
    number(0, 1).optional(),
    "Score threshold in place of the model's own; for the step that takes the frame the camera's comes first",
  ),
  labels: described(
    z.record(z.string().min(1), boolean()).default({}),
    'Labels of findings that become crops: `{ bottle: true }`; every one when empty',
  ),
  minScore: described(number(0, 1).default(0), 'Findings with a lower score become no crops'),
  maxScore: described(number(0, 1).default(1), 'Findings with a higher score become no crops'),
  margin: described(
    number(0, 2).default(0),
    'What a crop shows beyond its finding on each side, as part of its width and height',
  ),
  minSidePx: described(
    integer(1, 16_384).default(8),
    'Findings whose shorter side has fewer pixels become no crops',
  ),
  maxCrops: described(
    integer(1, 1000).default(100),
    'Crops of a frame, the best by score; what is left out is counted in the result',
  ),
  turnAt: described(
    number(0, 1).default(0.9),
    'For a model of direction: the score of `180` from which a crop is turned for the steps behind',
  ),
});

export const chainSchema = z.strictObject({
  steps: described(mapOf(chainStepSchema), 'Steps by name'),
});

export type ChainConfig = z.infer<typeof chainSchema>;
export type ChainStepConfig = z.infer<typeof chainStepSchema>;
