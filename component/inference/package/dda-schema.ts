import { z } from 'zod';

const side = z.int().min(1).max(16384);
const ids = z.array(z.int().min(0)).max(10_000);
const classes = z.looseObject({ names: z.array(z.string()).max(100_000), normal_ids: ids });
/** Of a folder or file: one name. */
const pathName = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,128}$/, 'a name of letters, digits, dots, _ and -');

/** `cv2.INTER_NEAREST`, `INTER_LINEAR`, `INTER_AREA`: the numbers that OpenCV gives them. */
const interpolation = z.union([z.literal(0), z.literal(1), z.literal(3)], {
  error: (issue) =>
    `is ${JSON.stringify(issue.input)}, expected 0 (nearest), 1 (linear) or 3 (area) as OpenCV numbers them`,
});

const stageSchema = z.looseObject({
  type: pathName.optional(),
  /** The key that DDA's documentation writes where its code reads `type`. */
  stage_type: pathName.optional(),
  threshold: z.number().optional(),
  image_width: side.optional(),
  image_height: side.optional(),
  image_range_scale: z.boolean(),
  normalize: z.boolean(),
  interpolation: interpolation.optional(),
  preserve_aspect: z.boolean().optional(),
  input_shape: z.array(z.int()).length(4).optional(),
  classification_logic: z.enum(['cls_head', 'seg_head', 'cls_and_seg', 'cls_or_seg']).optional(),
  class_normal_ids: ids.optional(),
  seg_normal_ids: ids.optional(),
  calibrated: z.literal(false, 'calibrated scores are not supported').optional(),
  transform_preprocessing: z
    .union([z.literal(false), z.null()], 'transforms before the model are not supported')
    .optional(),
  seg_recall_bias: z.null('a recall bias is not supported').optional(),
});

/** DDA's `manifest.json` for ONNX: the keys that its LocalServer reads. Others are left alone. */
export const ddaManifestSchema = z.looseObject({
  runtime: z.literal('onnx'),
  runtime_artifact: pathName.optional(),
  device: z.enum(['cpu', 'gpu', 'cuda', 'tensorrt', 'trt']).optional(),
  task: z.enum(['anomaly', 'object_detection']).default('anomaly'),
  detection: z
    .looseObject({
      layout: z.enum(['yolo', 'rf_detr']).optional(),
      num_classes: z.int().min(1).optional(),
      score_threshold: z.number().min(0).max(1).default(0.25),
      iou_threshold: z.number().min(0).max(1).default(0.45),
      top_k: z.int().min(1).max(4096).default(300),
      network_input: side.optional(),
      class_names: z.array(z.string().min(1).max(200)).max(100_000).nullish(),
      use_softmax: z.boolean().default(false),
      background_class: z.int().min(0).nullish(),
      preserve_aspect: z.boolean().optional(),
    })
    .optional(),
  preprocessing: z
    .looseObject({
      resize: z.tuple([side, side]).optional(),
      channel_order: z.enum(['RGB', 'BGR']).default('RGB'),
      preserve_aspect: z.boolean().optional(),
    })
    .optional(),
  input_shape: z.array(z.int()).length(4).optional(),
  dataset: z.looseObject({ image_width: side, image_height: side }).partial().optional(),
  model_graph: z.looseObject({
    model_graph_type: z.literal(
      'single_stage_model_graph',
      'only single_stage_model_graph is supported: one stage, one ONNX file',
    ),
    stages: z.tuple([stageSchema], 'expected one stage'),
    image_level_classes: classes.optional(),
    pixel_level_classes: classes.optional(),
  }),
});

export type DdaManifest = z.infer<typeof ddaManifestSchema>;
