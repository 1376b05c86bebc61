import { z } from 'zod';
import { endToEnd, yoloClasses, yoloHead } from './yolo-fields.ts';

export const endToEndDetections = z.strictObject({
  decoder: z
    .literal('end-to-end-detections')
    .describe('One output [batch,N,6]: x1, y1, x2, y2 in input pixels, score, class index'),
  ...endToEnd,
});

export const endToEndOrientedBoxes = z.strictObject({
  decoder: z
    .literal('end-to-end-oriented-boxes')
    .describe(
      'One output [batch,N,7]: centre x, centre y, width, height in input pixels, score, class index, angle in radians',
    ),
  ...endToEnd,
});

export const yoloOrientedBoxes = z.strictObject({
  decoder: z
    .literal('yolo-oriented-boxes')
    .describe(
      'One output of candidates: centre x, centre y, width, height in input pixels, a score for each class, the angle in radians',
    ),
  ...yoloHead,
  iouThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.45)
    .describe(
      'A box whose probabilistic intersection over union with a better one reaches this is dropped',
    ),
  suppression: yoloClasses.suppression,
});

export const yoloDetections = z.strictObject({
  decoder: z
    .literal('yolo-detections')
    .describe(
      'One output of candidates: centre x, centre y, width, height in input pixels, objectness (v5, v6, v7), a score for each class',
    ),
  ...yoloHead,
  ...yoloClasses,
});

export const rfDetr = z.strictObject({
  decoder: z
    .literal('rf-detr')
    .describe(
      'Two outputs: boxes [batch,Q,4] as centre x, centre y, width, height in parts of the input, and logits [batch,Q,C]',
    ),
  boxes: z.string().optional().describe('The output with the boxes; told by its shape when absent'),
  logits: z.string().optional().describe('The output with the logits; the other one when absent'),
  activation: z
    .enum(['sigmoid', 'softmax'])
    .default('sigmoid')
    .describe('Makes scores of the logits: each by itself, or over the classes of a query'),
  backgroundClass: z.int().min(0).optional().describe('A class that stands for nothing'),
  scoreThreshold: z.number().min(0).max(1).default(0.5).describe('Detections below are left out'),
  maxDetections: z.int().min(1).max(4096).default(300).describe('The best are kept'),
});
