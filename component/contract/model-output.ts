import { z } from 'zod';

const yoloHead = {
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

const yoloClasses = {
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

export const modelOutputSchema = z.discriminatedUnion('decoder', [
  z.strictObject({
    decoder: z
      .literal('end-to-end-detections')
      .describe('One output [batch,N,6]: x1, y1, x2, y2 in input pixels, score, class index'),
    output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
    scoreThreshold: z.number().min(0).max(1).default(0.3).describe('Detections below are left out'),
    maxDetections: z.int().min(1).max(10_000).default(300).describe('The best are kept'),
  }),
  z.strictObject({
    decoder: z
      .literal('yolo-detections')
      .describe(
        'One output of candidates: centre x, centre y, width, height in input pixels, objectness (v5, v6, v7), a score for each class',
      ),
    ...yoloHead,
    ...yoloClasses,
  }),
  z.strictObject({
    decoder: z
      .literal('anomaly')
      .describe(
        "anomalib's outputs: pred_score, and where present anomaly_map, pred_mask, pred_label",
      ),
    scoreThreshold: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('A score at or above is anomalous'),
    mapThreshold: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('Map values at or above belong to an area, when the model has no mask'),
    minAreaFraction: z
      .number()
      .min(0)
      .max(1)
      .default(0.0005)
      .describe('Smaller areas are left out'),
  }),
  z.strictObject({
    decoder: z
      .literal('rf-detr')
      .describe(
        'Two outputs: boxes [batch,Q,4] as centre x, centre y, width, height in parts of the input, and logits [batch,Q,C]',
      ),
    boxes: z
      .string()
      .optional()
      .describe('The output with the boxes; told by its shape when absent'),
    logits: z.string().optional().describe('The output with the logits; the other one when absent'),
    activation: z
      .enum(['sigmoid', 'softmax'])
      .default('sigmoid')
      .describe('Makes scores of the logits: each by itself, or over the classes of a query'),
    backgroundClass: z.int().min(0).optional().describe('A class that stands for nothing'),
    scoreThreshold: z.number().min(0).max(1).default(0.5).describe('Detections below are left out'),
    maxDetections: z.int().min(1).max(4096).default(300).describe('The best are kept'),
  }),
  z.strictObject({
    decoder: z
      .literal('multi-head-anomaly')
      .describe(
        'Scores [batch,C] of classes, normal ones among them, and where present values [batch,S,H,W] of segments',
      ),
    normalClasses: z
      .array(z.int().min(0))
      .default([])
      .describe('Classes that are normal; the score is the sum of the others'),
    normalSegments: z
      .array(z.int().min(0))
      .default([])
      .describe('Segments that are normal; cells of the others are anomalous'),
    decision: z
      .enum(['score', 'segments', 'both', 'either'])
      .default('score')
      .describe('What makes a picture anomalous: the score, any anomalous cell, both, or either'),
    scoreThreshold: z
      .number()
      .min(0)
      .max(1)
      .default(0.5)
      .describe('A score at or above is anomalous'),
    minAreaFraction: z
      .number()
      .min(0)
      .max(1)
      .default(0.0005)
      .describe('Smaller areas are left out'),
  }),
  z.strictObject({
    decoder: z.literal('classification').describe('One output [batch,C]: a value for each class'),
    output: z.string().optional().describe('Output of the ONNX graph; the only one when absent'),
    activation: z
      .enum(['softmax', 'sigmoid', 'none'])
      .optional()
      .describe(
        'Makes scores of the values: `softmax` when one class is right, `sigmoid` when several may be, `none` when they are scores 0–1 already; when absent `none` for graphs that end in Softmax or Sigmoid, else `softmax`',
      ),
    scoreThreshold: z.number().min(0).max(1).default(0.1).describe('Classes below are left out'),
    maxClasses: z.int().min(1).max(1000).default(5).describe('The best are kept'),
  }),
  z.strictObject({
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
  }),
  z.strictObject({
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
      .describe(
        '3 with a score for each keypoint, 2 without; from the metadata when absent, else 3',
      ),
  }),
  z.strictObject({
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
    prototypes: z
      .string()
      .optional()
      .describe('Output with the prototypes; when absent the one of four dimensions'),
  }),
  z.strictObject({
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
  }),
]);

/** What the outputs of a model mean: one shape for each decoder. */
export type ModelOutput = z.infer<typeof modelOutputSchema>;
