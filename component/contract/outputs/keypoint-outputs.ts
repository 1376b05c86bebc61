import { z } from 'zod';
import { yoloHead } from './yolo-fields.ts';

export const movenet = z.strictObject({
  decoder: z
    .literal('movenet')
    .describe('One output [batch,1,K,3]: y, x as parts of the input, score of each keypoint'),
  output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
  scoreThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.2)
    .describe('A pose whose keypoints have a lower mean score is left out'),
});

export const yoloPoses = z.strictObject({
  decoder: z
    .literal('yolo-poses')
    .describe(
      'One output of candidates: a box, a score for each class, then x, y and score of each keypoint',
    ),
  ...yoloHead,
  keypointNames: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(1000)
    .optional()
    .describe("Names of the keypoints; from the metadata when absent, else COCO's for 17"),
  keypointDimensions: z
    .union([z.literal(2), z.literal(3)])
    .optional()
    .describe('3 with a score for each keypoint, 2 without; from the metadata when absent, else 3'),
});
