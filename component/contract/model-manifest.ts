import { z } from 'zod';
import { PICTURE_DTYPES } from './tensor.ts';

/** Names that can stand in a path, a topic and a component name. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/,
    'lower-case letters, digits and inner hyphens, at most 64',
  );

const semver = z
  .string()
  .regex(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/,
    'a semantic version such as 1.0.0',
  );

/** Whether a path is relative, with `/`, and never leads out of where it begins. */
export const isInsidePath = (path: string): boolean =>
  path.length <= 255 &&
  !path.includes('\\') &&
  !path.includes('\0') &&
  path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');

const packagePath = z.string().refine(isInsidePath, 'a relative path inside the package');

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits');

/** Machines that a variant can be made for: `process.platform` and `process.arch` of Node.js. */
export const PLATFORMS = ['linux-x64', 'linux-arm64'] as const;

/** ONNX Runtime's execution providers by their usual short names. */
export const EXECUTION_PROVIDERS = [
  'cpu',
  'xnnpack',
  'cuda',
  'tensorrt',
  'openvino',
  'qnn',
] as const;

export const TASKS = [
  'object-detection',
  'anomaly-detection',
  'classification',
  'keypoint-detection',
] as const;

export const variantSchema = z.strictObject({
  name: nameSchema.describe('Name of the variant, such as `fp32` or `int8`'),
  file: packagePath.describe('The ONNX file'),
  sha256: sha256.optional().describe('sha256 of the ONNX file; checked at every load when given'),
  precision: z.enum(['fp32', 'fp16', 'int8']).default('fp32').describe('Precision of the weights'),
  platforms: z
    .array(z.enum(PLATFORMS))
    .min(1)
    .optional()
    .describe('Machines that it is for; every one when absent'),
  executionProviders: z
    .array(z.enum(EXECUTION_PROVIDERS))
    .min(1)
    .optional()
    .describe('Execution providers that it is for; every one when absent'),
});

export const modelInputSchema = z.strictObject({
  name: z.string().optional().describe('Input of the ONNX graph; taken from the file when absent'),
  layout: z
    .enum(['nchw', 'nhwc'])
    .optional()
    .describe('Order of dimensions; taken from the shape when absent'),
  dtype: z
    .enum(PICTURE_DTYPES)
    .optional()
    .describe('Element type; taken from the file when absent'),
  quantisation: z
    .strictObject({
      scale: z.number().positive().describe('Size of one step, in units of the normalised value'),
      zeroPoint: z
        .int()
        .min(-128)
        .max(255)
        .describe('The step that stands for 0; −128 to 127 for `int8`, 0 to 255 for `uint8`'),
    })
    .optional()
    .describe(
      'Makes bytes of the normalised values, as ONNX QuantizeLinear: for `int8` and `uint8`',
    ),
  width: z
    .int()
    .min(1)
    .max(16384)
    .optional()
    .describe('Width of the input in pixels; taken from the file when absent'),
  height: z
    .int()
    .min(1)
    .max(16384)
    .optional()
    .describe('Height of the input in pixels; taken from the file when absent'),
  colourOrder: z
    .enum(['rgb', 'bgr', 'gray'])
    .default('rgb')
    .describe('Channel order of the tensor'),
  resize: z
    .enum(['stretch', 'letterbox', 'crop'])
    .default('stretch')
    .describe('How the picture is fitted to the input'),
  interpolation: z
    .enum(['bilinear', 'area', 'bilinear-antialias', 'bicubic-antialias', 'nearest'])
    .default('bilinear')
    .describe('`bilinear` and `area` as OpenCV, the antialiased ones as Pillow'),
  scale: z
    .number()
    .positive()
    .default(1 / 255)
    .describe('Factor of the pixel 0–255'),
  mean: z
    .array(z.number())
    .min(1)
    .max(3)
    .default([0, 0, 0])
    .describe('Subtracted after scaling, per channel'),
  std: z
    .array(z.number().positive())
    .min(1)
    .max(3)
    .default([1, 1, 1])
    .describe('Divides after subtraction, per channel'),
  padValue: z.int().min(0).max(255).default(114).describe('Grey level of letterbox bars'),
});

export const DECODERS = [
  'end-to-end-detections',
  'yolo-detections',
  'rf-detr',
  'anomaly',
  'multi-head-anomaly',
  'classification',
  'movenet',
  'yolo-poses',
] as const;

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
]);

export const goldenSchema = z.strictObject({
  image: packagePath.describe('A picture inside the package'),
  expected: z
    .record(z.string(), z.unknown())
    .describe('The findings that the model must give for it'),
});

/** `model.json` of a model package. Each task, decoder and field is described in docs/MODEL-PACKAGES.md. */
export const modelManifestSchema = z.strictObject({
  $schema: z.string().optional(),
  schemaVersion: z.literal(1).default(1),
  name: nameSchema,
  version: semver,
  task: z.enum(TASKS),
  description: z.string().max(2000).default(''),
  licence: z.string().max(200).default(''),
  variants: z.array(variantSchema).min(1).max(32),
  input: modelInputSchema.prefault({}),
  output: modelOutputSchema,
  labels: z
    .union([packagePath, z.array(z.string().min(1).max(200)).min(1).max(100_000)])
    .optional()
    .describe('A text file with one label a line, or the labels themselves'),
  golden: z.array(goldenSchema).max(1000).default([]),
  files: z
    .record(packagePath, sha256)
    .optional()
    .describe('sha256 of files of the package, such as labels and weights; checked at every load'),
  provenance: z
    .strictObject({
      trainingJob: z.string().optional(),
      source: z.string().optional(),
      author: z.string().optional(),
    })
    .default({}),
});

export type ModelManifest = z.infer<typeof modelManifestSchema>;
export type ModelManifestInput = z.input<typeof modelManifestSchema>;
export type Platform = (typeof PLATFORMS)[number];
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];
export type ModelVariant = z.infer<typeof variantSchema>;
export type ModelInput = z.infer<typeof modelInputSchema>;
export type ModelOutput = z.infer<typeof modelOutputSchema>;
