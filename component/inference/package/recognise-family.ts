import type { RecognisedFamily } from './recognised-family.ts';
import { onlyFloatShape } from './only-float-shape.ts';
import { activationOf } from './complete-output.ts';
import { isUltralytics } from './model-metadata.ts';
import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';
import { anomaly } from './recognise-anomaly.ts';
import { labelledBoxes, scoredBoxes } from './recognise-boxes.ts';
import { rfDetr } from './recognise-rf-detr.ts';
import { semanticSegmentation } from './recognise-segmentation.ts';
import { textReading } from './recognise-text.ts';
import {
  rtDetr,
  yoloDetections,
  yoloEndToEnd,
  yoloOrientedBoxes,
  yoloPoses,
  yoloSegments,
} from './recognise-yolo.ts';

type Recognise = (
  structure: OnnxStructure,
  metadata: ModelMetadata,
) => RecognisedFamily | undefined;

/** From the surest sign to the weakest. */
const FAMILIES: readonly Recognise[] = [
  anomaly,
  movenet,
  labelledBoxes,
  scoredBoxes,
  rfDetr,
  textReading,
  yoloPoses,
  yoloOrientedBoxes,
  yoloSegments,
  yoloEndToEnd,
  yoloDetections,
  rtDetr,
  semanticSegmentation,
  classification,
  heatmaps,
  endToEndDetections,
];

/** What `recogniseFamily` looks for, in words. */
export const KNOWN_OUTPUTS =
  "anomalib's pred_score, anomaly_map or output, [N, 6] or [1, N, 6] of detections, RF-DETR's boxes [1, Q, 4] with logits [1, Q, C], a YOLO head such as [1, 84, 8400] or [1, 25200, 85], [1, C] of classes, [1, 1, 17, 3] of keypoints, Ultralytics' poses such as [1, 56, 8400], a YOLO head beside prototypes of masks such as [1, 116, 8400] and [1, 32, 160, 160], boxes, labels and scores in outputs of their own, boxes [1, N, 4] with scores [1, N, C], heat maps [1, 17, H / 4, W / 4], PaddleOCR's text detection [1, 1, H, W], recognition [1, T, C] and direction [1, 2], or a map over the whole input of scores [1, C, H, W] or class indices [1, H, W]";

/** The first family whose signs the outputs and the metadata show; `undefined` for none. */
export function recogniseFamily(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  for (const recognise of FAMILIES) {
    const family = recognise(structure, metadata);
    if (family) return family;
  }
  return undefined;
}

/** [batch, 1, 17, 3]; its public models take pixels as they are, letterboxed with black. */
function movenet(structure: OnnxStructure): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  const isMoveNet =
    shape?.length === 4 &&
    shape[0] === structure.inputs[0]?.shape[0] &&
    shape[1] === 1 &&
    shape[2] === 17 &&
    shape[3] === 3;
  if (!isMoveNet) return undefined;
  return {
    task: 'keypoint-detection',
    input: { resize: 'letterbox', scale: 1, padValue: 0 },
    output: { decoder: 'movenet' },
    guesses: [],
  };
}

/** [batch, C], [batch, C, 1, 1]; the batch is the input's, which the rows of detections are not. */
function classification(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  const [batch, classes, ...rest] = shape ?? [];
  const isVector =
    shape !== undefined &&
    shape.length >= 2 &&
    typeof classes === 'number' &&
    classes > 1 &&
    rest.every((dimension) => dimension === 1) &&
    batch === structure.inputs[0]?.shape[0];
  if (!isVector || (metadata.task !== undefined && metadata.task !== 'classify')) return undefined;
  const activation = activationOf(undefined, structure);
  const guesses =
    activation === 'none'
      ? []
      : ["output.activation 'softmax': 'sigmoid' if several classes may be right at once"];
  if (metadata.labels?.length !== classes) {
    guesses.push(`the ${classes} values are taken for scores of classes`);
  }
  return {
    task: 'classification',
    output: { decoder: 'classification', activation },
    guesses,
  };
}

function endToEndDetections(
  structure: OnnxStructure,
  metadata: ModelMetadata,
): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  const isRows = shape?.at(-1) === 6 && (shape.length === 2 || shape.length === 3);
  if (!isRows || (metadata.task !== undefined && metadata.task !== 'detect')) return undefined;
  // RT-DETR's rows of two classes look the same.
  const isUnsure = metadata.labels?.length === 2 && metadata.architecture === undefined;
  return {
    task: 'object-detection',
    output: { decoder: 'end-to-end-detections' },
    guesses:
      isUnsure && isUltralytics(metadata)
        ? [
            "the rows are taken for detections that are at their end: decoder 'rt-detr' with input.resize 'stretch' if they are a box and the scores of two classes",
          ]
        : [],
  };
}

/** [batch, K, H, W] of a quarter of the input's sides, as HRNet, SimpleBaseline and ViTPose have it. */
function heatmaps(structure: OnnxStructure): RecognisedFamily | undefined {
  const shape = onlyFloatShape(structure);
  const input = structure.inputs[0]?.shape ?? [];
  const [height, width] = [Number(input[2]), Number(input[3])];
  const isQuarter =
    shape?.length === 4 &&
    shape[1] === 17 &&
    Number(shape[2]) * 4 === height &&
    Number(shape[3]) * 4 === width;
  if (!isQuarter) return undefined;
  return {
    task: 'keypoint-detection',
    input: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    output: { decoder: 'heatmaps' },
    guesses: [
      'the 17 maps are taken for heat maps of COCO’s keypoints, of one person in the picture',
    ],
  };
}
