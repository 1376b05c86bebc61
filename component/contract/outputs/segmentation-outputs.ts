import { z } from 'zod';
import { endToEnd, labelledFields, prototypes, yoloClasses, yoloHead } from './output-fields.ts';

export const yoloSegments = z.strictObject({
  decoder: z
    .literal('yolo-segments')
    .describe(
      'Two outputs: candidates with a box, a score for each class and coefficients; prototypes [batch,P,H,W] of masks',
    ),
  ...yoloHead,
  ...yoloClasses,
  output: z
    .string()
    .optional()
    .describe('Output with the candidates; when absent the one that holds no prototypes'),
  prototypes,
});

export const maskRcnn = z.strictObject({
  decoder: z
    .literal('mask-rcnn')
    .describe(
      'Outputs of their own for boxes [N,4], class indices [N], scores [N] and masks [N,1,h,w] of values 0–1',
    ),
  ...labelledFields,
  masks: z
    .string()
    .optional()
    .describe('Output with the masks; the only one of such a shape when absent'),
  maskThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.5)
    .describe('A mask is set where its value is at or above'),
});

export const endToEndSegments = z.strictObject({
  decoder: z
    .literal('end-to-end-segments')
    .describe(
      'Two outputs: rows [batch,N,6+P] of x1, y1, x2, y2 in input pixels, score, class index, coefficients; prototypes [batch,P,H,W] of masks',
    ),
  ...endToEnd,
  output: z
    .string()
    .optional()
    .describe('Output with the rows; when absent the one that holds no prototypes'),
  prototypes,
});

export const semanticSegmentation = z.strictObject({
  decoder: z
    .literal('semantic-segmentation')
    .describe(
      'One output: a score for each class and place [batch,C,H,W] or [batch,H,W,C], or class indices [batch,H,W] or [batch,1,H,W]',
    ),
  output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
  layout: z
    .enum(['channels-first', 'channels-last'])
    .optional()
    .describe(
      'Where scores have their classes: `channels-first` is [batch,C,H,W], `channels-last` is [batch,H,W,C]; from labels and shape when absent',
    ),
  background: z
    .int()
    .min(0)
    .max(65_533)
    .optional()
    .describe('Index of a class that is not reported, such as what lies around everything else'),
  minAreaFraction: z
    .number()
    .min(0)
    .max(1)
    .default(0.0005)
    .describe('Classes and areas that cover less of the picture are left out'),
});
