import type { ModelManifestInput } from '../../contract/model-manifest.ts';
import type { DdaManifest } from './dda-schema.ts';
import type { OnnxStructure } from './read-onnx.ts';

type DdaOutput = Pick<ModelManifestInput, 'task' | 'output' | 'labels'>;

const DECISIONS = {
  cls_head: 'score',
  seg_head: 'segments',
  cls_and_seg: 'both',
  cls_or_seg: 'either',
} as const;
/** LocalServer keeps every box that its suppression leaves. */
const MOST_DETECTIONS = 4096;

/** What the outputs of a DDA package mean, by its task and layout. */
export function ddaOutput(
  dda: DdaManifest,
  stageType: string,
  structure: OnnxStructure,
  problems: string[],
): DdaOutput {
  if (dda.task === 'anomaly') return anomaly(dda, structure, problems);
  const layout = dda.detection?.layout ?? (stageType.startsWith('rf_detr') ? 'rf_detr' : 'yolo');
  const detection = layout === 'yolo' ? yolo : rfDetr;
  return detection(dda.detection, structure, problems);
}

/**
 * anomalib's outputs are read as such; else scores of classes and, in a second output, of segments.
 * What is normal stands in the stage or with the class names.
 */
function anomaly(dda: DdaManifest, structure: OnnxStructure, problems: string[]): DdaOutput {
  const { stages, image_level_classes, pixel_level_classes } = dda.model_graph;
  const [stage] = stages;
  const { threshold } = stage;
  if (threshold === undefined || threshold < 0 || threshold > 1) {
    problems.push(
      `model_graph.stages[0].threshold is ${threshold ?? 'missing'}, expected a score from 0 to 1`,
    );
  }
  const task = 'anomaly-detection';
  if (structure.outputs.some(({ name }) => name === 'pred_score')) {
    return { task, output: { decoder: 'anomaly', scoreThreshold: threshold ?? 0 } };
  }
  const normalClasses = stage.class_normal_ids ?? image_level_classes?.normal_ids ?? [];
  const isSingleScore = structure.outputs.some(
    ({ shape }) => shape.length <= 2 && shape.at(-1) === 1,
  );
  if (normalClasses.length === 0 && !isSingleScore) {
    problems.push(
      'model_graph: no normal class is named (class_normal_ids or image_level_classes.normal_ids)',
    );
  }
  return {
    task,
    output: {
      decoder: 'multi-head-anomaly',
      scoreThreshold: threshold ?? 0,
      normalClasses,
      normalSegments: stage.seg_normal_ids ?? pixel_level_classes?.normal_ids ?? [],
      decision: DECISIONS[stage.classification_logic ?? 'cls_head'],
    },
  };
}

/**
 * LocalServer reads the first output, [1, 4 + C, N] or [1, N, 4 + C] with the smaller dimension as
 * channels, and suppresses within each class.
 */
function yolo(
  detection: DdaManifest['detection'],
  structure: OnnxStructure,
  problems: string[],
): DdaOutput {
  const [first] = structure.outputs;
  const [, rows, columns] = first?.shape ?? [];
  const isFixed = typeof rows === 'number' && typeof columns === 'number';
  const channels = isFixed ? Math.min(rows, columns) : undefined;
  const labels = labelsOf(detection, channels && channels - 4, problems);
  return {
    task: 'object-detection',
    output: {
      decoder: 'yolo-detections',
      ...(first ? { output: first.name } : {}),
      ...(isFixed ? { layout: rows < columns ? 'channels-first' : 'rows' } : {}),
      hasObjectness: false,
      suppression: 'per-class',
      scoreThreshold: detection?.score_threshold ?? 0.25,
      iouThreshold: detection?.iou_threshold ?? 0.45,
      maxDetections: MOST_DETECTIONS,
    },
    ...(labels ? { labels } : {}),
  };
}

function rfDetr(
  detection: DdaManifest['detection'],
  structure: OnnxStructure,
  problems: string[],
): DdaOutput {
  const counts = structure.outputs
    .map(({ shape }) => shape.at(-1))
    .filter((last) => typeof last === 'number' && last !== 4);
  const classes = counts.length === 1 ? Number(counts[0]) : undefined;
  const { num_classes, class_names, background_class } = detection ?? {};
  // RF-DETR's own head has one class more than `num_classes`.
  if (classes !== undefined && num_classes !== undefined && num_classes > classes) {
    problems.push(`detection.num_classes is ${num_classes}, the graph has ${classes} classes`);
  }
  return {
    task: 'object-detection',
    output: {
      decoder: 'rf-detr',
      activation: detection?.use_softmax ? 'softmax' : 'sigmoid',
      ...(detection?.use_softmax && typeof background_class === 'number'
        ? { backgroundClass: background_class }
        : {}),
      scoreThreshold: detection?.score_threshold ?? 0.25,
      maxDetections: detection?.top_k ?? 300,
    },
    ...(class_names && class_names.length > 0 ? { labels: class_names } : {}),
  };
}

/** Classes beyond the names are called by their index, as LocalServer does. */
function labelsOf(
  detection: DdaManifest['detection'],
  classes: number | undefined,
  problems: string[],
): string[] | undefined {
  const { num_classes, class_names } = detection ?? {};
  if (classes !== undefined && num_classes !== undefined && num_classes !== classes) {
    problems.push(`detection.num_classes is ${num_classes}, the graph has ${classes} classes`);
  }
  if (!class_names || class_names.length === 0) return undefined;
  const count = Math.max(classes ?? num_classes ?? 0, class_names.length);
  return Array.from({ length: count }, (_, index) => class_names[index] ?? String(index));
}
