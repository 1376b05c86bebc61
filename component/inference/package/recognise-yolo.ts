import type { Size } from '../../contract/frame.ts';
import type { TensorDeclaration } from '../../contract/tensor.ts';
import { gridCells } from '../../decode/grid-cells.ts';
import { headOf } from '../../decode/yolo-head.ts';
import type { YoloHead } from '../../decode/yolo-head.ts';
import { isUltralytics } from './model-metadata.ts';
import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';
import { onlyFloatShape } from './only-float-shape.ts';
import type { RecognisedFamily } from './recognised-family.ts';

/**
 * A YOLO head with its duplicates still in: one dimension is the number of its candidates, which
 * follows from the input's size, or open while the other one fits the metadata's class names.
 */
export function yoloDetections(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  if (metadata.task !== undefined && metadata.task !== 'detect') return undefined;
  const head = yoloHead(structure, metadata, 0);
  if (!head) return undefined;
  if (isYolox(structure, metadata, head)) {
    return {
      task: 'object-detection',
      input: { resize: 'letterbox-top-left', scale: 1, colourOrder: 'bgr' },
      output: { decoder: 'yolox' },
      guesses: ['the head is taken for the raw one of YOLOX, since the graph ends in a Transpose'],
    };
  }
  const guesses: string[] = [];
  if (!metadata.labels && head.layout === 'rows') {
    guesses.push(
      "output.hasObjectness true, as YOLO v5, v6 and v7 have it: false if the rows are 4 + classes; decoder 'yolox' if they are YOLOX' raw head",
    );
  }
  return {
    task: 'object-detection',
    ...yoloInput(metadata),
    output: { decoder: 'yolo-detections', ...ultralyticsOverlap(metadata) },
    guesses,
  };
}

/**
 * YOLOX has no name of its own, and the shape of Meituan's YOLOv6: rows with an objectness, one for
 * each cell. Its raw head ends in a Transpose, YOLOv6 in the Concat of boxes that it has decoded.
 */
function isYolox(structure: OnnxStructure, metadata: ModelMetadata, head: YoloHead): boolean {
  const [output] = structure.outputs;
  const count = output?.shape[1];
  const size = inputSize(structure) ?? metadata.inputSize;
  return (
    head.layout === 'rows' &&
    head.hasObjectness &&
    !isUltralytics(metadata) &&
    structure.outputOperators[output?.name ?? ''] === 'Transpose' &&
    size !== undefined &&
    typeof count === 'number' &&
    gridCells(size, count) !== undefined
  );
}

/**
 * Ultralytics' detectors whose exporter says that they end in rows of detections (YOLO v10 and 26, any
 * head exported with `nms=True`). With `dynamic=True` it leaves the six columns open.
 */
export function yoloEndToEnd(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  const isRows =
    shape?.length === 3 && (typeof shape[2] !== 'number' || shape[2] === END_TO_END_COLUMNS);
  if (!isRows || metadata.task !== 'detect' || !metadata.isEndToEnd) return undefined;
  return {
    task: 'object-detection',
    ...yoloInput(metadata),
    output: { decoder: 'end-to-end-detections' },
    guesses: [],
  };
}

/** A box, a score and a class index. */
const END_TO_END_COLUMNS = 6;

/**
 * RT-DETR as Ultralytics exports it: rows of a box and the metadata's classes, and not as many as the
 * input has cells. It stretches its pictures. With two classes the rows have the columns of detections
 * that are at their end: then the exporter's description must name RT-DETR.
 */
export function rtDetr(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  const isRows =
    metadata.task === 'detect' &&
    shape?.length === 3 &&
    metadata.labels !== undefined &&
    typeof shape[1] === 'number' &&
    shape[2] === 4 + metadata.labels.length;
  if (!isRows || metadata.isEndToEnd || yoloHead(structure, metadata, 0)) return undefined;
  if (shape[2] === END_TO_END_COLUMNS && metadata.architecture !== 'rt-detr') return undefined;
  return {
    task: 'object-detection',
    input: { resize: 'stretch' },
    output: { decoder: 'rt-detr' },
    guesses: [],
  };
}

/** Ultralytics' pose exports, by the task that they name. */
export function yoloPoses(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  if (metadata.task !== 'pose' || shape?.length !== 3) return undefined;
  return {
    task: 'keypoint-detection',
    ...yoloInput(metadata),
    output: isEndToEnd(shape, metadata)
      ? { decoder: 'end-to-end-poses' }
      : { decoder: 'yolo-poses', ...ultralyticsOverlap(metadata) },
    guesses: [],
  };
}

/** Ultralytics' exports with oriented boxes, by the task that they name. */
export function yoloOrientedBoxes(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  if (metadata.task !== 'obb' || shape?.length !== 3) return undefined;
  return {
    task: 'object-detection',
    ...yoloInput(metadata),
    output: isEndToEnd(shape, metadata)
      ? { decoder: 'end-to-end-oriented-boxes' }
      : { decoder: 'yolo-oriented-boxes', ...ultralyticsOverlap(metadata) },
    guesses: [],
  };
}

/**
 * A head with mask coefficients and, in the only other output, as many prototypes: Ultralytics' task,
 * or a head whose shape can be nothing else.
 */
export function yoloSegments(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const { outputs } = structure;
  const head = outputs.find(({ shape }) => shape.length === 3);
  const count = outputs.find(({ shape }) => shape.length === 4)?.shape[1];
  const areFloats = outputs.every(({ dtype }) => dtype.startsWith('float'));
  const isOther = metadata.task !== undefined && metadata.task !== 'segment';
  if (outputs.length !== 2 || !head || !areFloats || isOther) return undefined;
  const isNamed = metadata.task === 'segment';
  const isHead = typeof count === 'number' && yoloHead(structure, metadata, count, head.shape);
  if (!isNamed && !isHead) return undefined;
  return {
    task: 'instance-segmentation',
    ...yoloInput(metadata),
    output:
      isNamed && isEndToEnd(head.shape, metadata)
        ? { decoder: 'end-to-end-segments' }
        : { decoder: 'yolo-segments', ...ultralyticsOverlap(metadata) },
    guesses: [],
  };
}

/**
 * Whether a head ends in rows that need no suppression: the exporter says so (`end2end`, YOLO v10 and
 * 26), or there are more rows than columns (any head exported with `nms=True`).
 */
function isEndToEnd(shape: TensorDeclaration['shape'], { isEndToEnd }: ModelMetadata): boolean {
  const [, rows, columns] = shape;
  if (isEndToEnd || typeof columns !== 'number') return isEndToEnd === true;
  return typeof rows === 'number' && columns < rows;
}

/** Letterboxed, where the metadata does not make the package reader fill it in by itself. */
export const yoloInput = (metadata: ModelMetadata): Pick<RecognisedFamily, 'input'> =>
  isUltralytics(metadata) ? {} : { input: { resize: 'letterbox' } };

/** Ultralytics' own `predict` suppresses at 0.7. */
export const ultralyticsOverlap = (metadata: ModelMetadata): { iouThreshold?: number } =>
  isUltralytics(metadata) ? { iouThreshold: 0.7 } : {};

/** The head in an output (the graph's only one), when its shape can be nothing else. */
export function yoloHead(
  structure: OnnxStructure,
  metadata: ModelMetadata,
  extras: number,
  shape = onlyFloatShape(structure),
): YoloHead | undefined {
  if (shape?.length !== 3) return undefined;
  const classCount = metadata.labels?.length;
  const [, first, last] = shape;
  const counts = candidateCounts(structure, metadata);
  const isCount = (dimension: typeof first) =>
    typeof dimension === 'number' && counts.has(dimension);
  if (isCount(first) !== isCount(last)) {
    const layout = isCount(last) ? 'channels-first' : 'rows';
    return asHead(headOf(shape, { layout, classCount, extras }));
  }
  const isOneOpen = (typeof first === 'number') !== (typeof last === 'number');
  if (!isOneOpen || classCount === undefined || metadata.stride === undefined) return undefined;
  return asHead(headOf(shape, { classCount, extras }));
}

const asHead = (head: ReturnType<typeof headOf>) => (typeof head === 'object' ? head : undefined);

/** Cells at strides 8, 16, 32 (and 64), each with one candidate or, with anchors, three. */
function candidateCounts(structure: OnnxStructure, metadata: ModelMetadata): ReadonlySet<number> {
  const size = inputSize(structure) ?? metadata.inputSize;
  if (!size) return new Set();
  const cells = (stride: number) =>
    Math.ceil(size.width / stride) * Math.ceil(size.height / stride);
  const three = cells(8) + cells(16) + cells(32);
  const four = three + cells(64);
  return new Set([three, four, 3 * three, 3 * four]);
}

/** Where the graph says it. */
function inputSize({ inputs }: OnnxStructure): Size | undefined {
  const shape = inputs[0]?.shape ?? [];
  const [height, width] = shape[3] === 3 ? [shape[1], shape[2]] : [shape[2], shape[3]];
  return typeof width === 'number' && typeof height === 'number' ? { width, height } : undefined;
}
