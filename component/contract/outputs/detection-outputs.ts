import { z } from 'zod';
import {
  boxFields,
  boxUnits,
  endToEnd,
  labelledFields,
  yoloClasses,
  yoloHead,
} from './output-fields.ts';

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

export const yolox = z.strictObject({
  decoder: z
    .literal('yolox')
    .describe(
      "YOLOX' raw head [batch,N,5+C]: x, y, w, h in cells of strides 8, 16, 32 (and 64), objectness, a score for each class",
    ),
  output: yoloHead.output,
  scoreThreshold: yoloHead.scoreThreshold,
  iouThreshold: yoloHead.iouThreshold,
  maxDetections: yoloHead.maxDetections,
  suppression: yoloClasses.suppression,
});

export const rtDetr = z.strictObject({
  decoder: z
    .literal('rt-detr')
    .describe(
      'One output [batch,Q,4+C]: centre x, centre y, width, height in parts of the input, a score for each class',
    ),
  output: yoloHead.output,
  scoreThreshold: yoloHead.scoreThreshold,
  maxDetections: yoloHead.maxDetections,
});

export const labelledBoxes = z.strictObject({
  decoder: z
    .literal('labelled-boxes')
    .describe('Outputs of their own for boxes [N,4], class indices [N] and scores [N]'),
  ...labelledFields,
});

export const scoredBoxes = z.strictObject({
  decoder: z
    .literal('scored-boxes')
    .describe(
      'Two outputs with the duplicates still in: boxes [batch,N,4], and a score for each class [batch,N,C]',
    ),
  boxes: labelledFields.boxes,
  scores: labelledFields.scores,
  boxFormat: boxFields.boxFormat,
  boxUnits: boxUnits('fraction'),
  activation: z
    .enum(['none', 'sigmoid', 'softmax'])
    .default('none')
    .describe('Makes scores of logits: each by itself, or over the classes of a box'),
  backgroundClass: z.int().min(0).optional().describe('A class that stands for nothing'),
  scoreThreshold: yoloHead.scoreThreshold,
  iouThreshold: yoloHead.iouThreshold,
  maxDetections: yoloHead.maxDetections,
  suppression: yoloClasses.suppression,
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
