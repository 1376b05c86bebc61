import { z } from 'zod';
import { endToEnd, keypointFields, yoloHead } from './output-fields.ts';

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

export const heatmaps = z.strictObject({
  decoder: z
    .literal('heatmaps')
    .describe('One output [batch,K,H,W]: a map over the whole input for each keypoint'),
  output: yoloHead.output,
  activation: z
    .enum(['none', 'sigmoid'])
    .default('none')
    .describe('`sigmoid` makes scores of maps that are logits'),
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
  ...keypointFields,
});

export const endToEndPoses = z.strictObject({
  decoder: z
    .literal('end-to-end-poses')
    .describe(
      'One output [batch,N,6+K×3]: x1, y1, x2, y2 in input pixels, score, class index, then x, y and score of each keypoint',
    ),
  ...endToEnd,
  ...keypointFields,
});
