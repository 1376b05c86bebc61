import { z } from 'zod';

export const yoloHead = {
  output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
  layout: z
    .enum(['channels-first', 'rows'])
    .optional()
    .describe(
      '`channels-first` is [batch,channels,N], `rows` is [batch,N,channels]; from labels and shape when absent',
    ),
  scoreThreshold: z.number().min(0).max(1).default(0.25).describe('Candidates below are left out'),
  iouThreshold: z
    .number()
    .min(0)
    .max(1)
    .default(0.45)
    .describe('A box that overlaps a better one by a greater intersection over union is dropped'),
  maxDetections: z.int().min(1).max(4096).default(300).describe('The best are kept'),
};

export const yoloClasses = {
  hasObjectness: z
    .boolean()
    .optional()
    .describe(
      'Whether the score is objectness × class; from labels and shape when absent, and without labels true for `rows`',
    ),
  suppression: z
    .enum(['per-class', 'agnostic'])
    .default('per-class')
    .describe('Whether only boxes of the same class drop each other, or all'),
};

export const endToEnd = {
  output: yoloHead.output,
  scoreThreshold: z.number().min(0).max(1).default(0.3).describe('Rows below are left out'),
  maxDetections: z.int().min(1).max(10_000).default(300).describe('The best are kept'),
};

const BOX_FORMATS = ['xyxy', 'yxyx', 'xywh', 'cxcywh'] as const;

export const boxUnits = (usual: 'pixels' | 'fraction') =>
  z
    .enum(['pixels', 'fraction'])
    .default(usual)
    .describe('Pixels of the input, or parts (0–1) of its width and height');

export const boxFields = {
  boxFormat: z
    .enum(BOX_FORMATS)
    .default('xyxy')
    .describe(
      'Four values of a box: two corners (`xyxy`, `yxyx`), the top left corner and the size (`xywh`), or the centre and the size (`cxcywh`)',
    ),
  boxUnits: boxUnits('pixels'),
};

/** Outputs that hold boxes, labels and scores apart. */
export const labelledFields = {
  boxes: z.string().optional().describe('Output with the boxes; by its name or shape when absent'),
  labels: z
    .string()
    .optional()
    .describe('Output with the class indices; by its name or type when absent'),
  scores: z
    .string()
    .optional()
    .describe('Output with the scores; by its name or shape when absent'),
  count: z
    .string()
    .optional()
    .describe(
      'Output that says how many rows count; `num_detections` or `num_dets` when absent and there is one',
    ),
  ...boxFields,
  firstLabel: z
    .int()
    .min(0)
    .max(65_535)
    .default(0)
    .describe('The class index that the first label stands for; rows below it are background'),
  scoreThreshold: z.number().min(0).max(1).default(0.3).describe('Rows below are left out'),
  maxDetections: z.int().min(1).max(10_000).default(300).describe('The best are kept'),
};

export const keypointFields = {
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
};

export const prototypes = z
  .string()
  .optional()
  .describe('Output with the prototypes; when absent the one of four dimensions');
