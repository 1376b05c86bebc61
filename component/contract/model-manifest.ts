import { z } from 'zod';
import { modelOutputSchema } from './model-output.ts';
import { packagePath } from './package-path.ts';

export { modelOutputSchema } from './model-output.ts';
export type { ModelOutput } from './model-output.ts';
export { isInsidePath } from './package-path.ts';
import { PICTURE_DTYPES } from './tensor.ts';

/** An installed model version, written `name@version`. */
export interface ModelReference {
  readonly name: string;
  readonly version: string;
}

/** Names that can stand in a path, a topic and a component name. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/,
    'lower-case letters, digits and inner hyphens, at most 64',
  );

export const versionSchema = z
  .string()
  .regex(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/,
    'a semantic version such as 1.0.0',
  );

/** `name@version`, or `undefined` for anything else, such as a path. */
export function parseModelReference(text: string): ModelReference | undefined {
  const at = text.indexOf('@');
  const [name, version] = [text.slice(0, at), text.slice(at + 1)];
  const isReference =
    at > 0 && nameSchema.safeParse(name).success && versionSchema.safeParse(version).success;
  return isReference ? { name, version } : undefined;
}

export const isModelReference = (text: string): boolean => parseModelReference(text) !== undefined;

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
  'instance-segmentation',
  'semantic-segmentation',
  'text-detection',
  'text-direction',
  'text-recognition',
  'embedding',
  'tensors',
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
  sizeInput: z
    .string()
    .optional()
    .describe(
      'A further input [batch,2] that is told the width and height of the input; `orig_target_sizes` when absent and there is one',
    ),
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
    .enum(['stretch', 'letterbox', 'crop', 'line', 'letterbox-top-left'])
    .default('stretch')
    .describe(
      'How the picture is fitted to the input; `letterbox-top-left` has its bars right and below alone, as YOLOX wants it',
    ),
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
  padValue: z.number().min(0).max(255).default(114).describe('Grey level of bars'),
  sizeMultiple: z
    .int()
    .min(1)
    .max(1024)
    .optional()
    .describe(
      'For graphs that leave the size open: the input follows the picture, in multiples of this, up to `width` and `height`; when absent it is always `width` × `height`',
    ),
});

export const goldenSchema = z.strictObject({
  image: packagePath.describe('A picture inside the package'),
  expected: z
    .record(z.string(), z.unknown())
    .describe('The findings that the model must give for it'),
  maxRunMs: z
    .number()
    .positive()
    .max(600_000)
    .optional()
    .describe(
      'Longest time from the picture to its findings, in milliseconds, at install and swap; time without a core does not count',
    ),
});

/** `model.json` of a model package. Each task, decoder and field is described in docs/MODEL-PACKAGES.md. */
export const modelManifestSchema = z.strictObject({
  $schema: z.string().optional(),
  schemaVersion: z.literal(1).default(1),
  name: nameSchema,
  version: versionSchema,
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
