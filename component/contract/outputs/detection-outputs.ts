import { z } from 'zod';
import { yoloClasses, yoloHead } from './yolo-fields.ts';

export const endToEndDetections = z.strictObject({
  decoder: z
    .literal('end-to-end-detections')
    .describe('One output [batch,N,6]: x1, y1, x2, y2 in input pixels, score, class index'),
  output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
  scoreThreshold: z.number().min(0).max(1).default(0.3).describe('Detections below are left out'),
  maxDetections: z.int().min(1).max(10_000).default(300).describe('The best are kept'),
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
