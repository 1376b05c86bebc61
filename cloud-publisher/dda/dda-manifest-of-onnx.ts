import { basename } from 'node:path';
import { VedetteError } from '../../component/contract/errors.ts';
import { readModelMetadata } from '../../component/inference/package/model-metadata.ts';
import { readOnnx } from '../../component/inference/package/read-onnx.ts';
import { recogniseFamily } from '../../component/inference/package/recognise-family.ts';

const STAGE_TYPES = {
  'yolo-detections': { stageType: 'yolo_object_detection', layout: 'yolo' },
  'rf-detr': { stageType: 'rf_detr_object_detection', layout: 'rf_detr' },
} as const;
/** DDA's own defaults. */
const SCORE_THRESHOLD = 0.25;
const IOU_THRESHOLD = 0.45;
const TOP_K = 300;

/**
 * DDA's manifest for a bare ONNX file: detectors alone, whose graph and metadata say all of it.
 * @throws VedetteError MODEL_FILE_INVALID, MODEL_MISMATCH for any other model
 */
export async function ddaManifestOfOnnx(
  path: string,
): Promise<{ readonly manifest: Readonly<Record<string, unknown>>; readonly stageType: string }> {
  const graph = await readOnnx(path);
  const metadata = readModelMetadata(graph.metadata);
  const decoder = recogniseFamily(graph, metadata)?.output.decoder;
  const [, channels, height, width] = graph.inputs[0]?.shape ?? [];
  const isDetector = decoder === 'yolo-detections' || decoder === 'rf-detr';
  if (!isDetector || channels !== 3 || typeof height !== 'number' || typeof width !== 'number') {
    throw new VedetteError(
      'MODEL_MISMATCH',
      `${basename(path)}: DDA's manifest can be made of a YOLO or RF-DETR detector with a fixed input [1, 3, height, width]; give a DDA package or the output of its training`,
    );
  }
  const { stageType, layout } = STAGE_TYPES[decoder];
  const shape = [1, 3, height, width];
  const { labels } = metadata;
  const detection = {
    layout,
    ...(labels ? { num_classes: labels.length, class_names: [...labels] } : {}),
    score_threshold: SCORE_THRESHOLD,
    ...(layout === 'yolo' ? { iou_threshold: IOU_THRESHOLD } : { top_k: TOP_K }),
    network_input: width,
  };
  const stage = {
    type: stageType,
    threshold: SCORE_THRESHOLD,
    image_width: width,
    image_height: height,
    image_range_scale: true,
    normalize: layout === 'rf_detr',
    input_shape: shape,
  };
  return {
    stageType,
    manifest: {
      runtime: 'onnx',
      runtime_artifact: 'model.onnx',
      task: 'object_detection',
      detection,
      preprocessing: { resize: [width, height], channel_order: 'RGB' },
      input_shape: shape,
      dataset: { image_width: width, image_height: height },
      model_graph: { model_graph_type: 'single_stage_model_graph', stages: [stage] },
    },
  };
}
