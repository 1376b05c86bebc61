import type { TensorDeclaration } from '../../contract/tensor.ts';
import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';
import type { RecognisedFamily } from './recognised-family.ts';

type Output = TensorDeclaration;

const isFloat = ({ dtype }: Output) => dtype.startsWith('float');
const named = (outputs: readonly Output[], name: string) =>
  outputs.find((one) => one.name === name);

/**
 * Detections in outputs of their own: RT-DETR, D-FINE and DEIM as they are deployed (told by their
 * second input), TensorFlow's Object Detection API (by its names), torchvision's detectors (by names
 * or, where the exporter numbered them, by types and shapes).
 */
export function labelledBoxes(
  { inputs, outputs }: OnnxStructure,
  { task }: ModelMetadata,
): RecognisedFamily | undefined {
  if (outputs.length < 3 || task !== undefined) return undefined;
  if (named(outputs, 'detection_boxes') && named(outputs, 'detection_classes')) {
    return {
      task: 'object-detection',
      output: {
        decoder: 'labelled-boxes',
        boxFormat: 'yxyx',
        boxUnits: 'fraction',
        firstLabel: 1,
      },
      guesses: ['output.firstLabel 1, as in label maps of the Object Detection API'],
    };
  }
  const boxes = named(outputs, 'boxes') ?? outputs.find((one) => isFloat(one) && isRow(one, 4));
  const labels =
    named(outputs, 'labels') ?? outputs.find((one) => one.dtype === 'int64' && isColumn(one));
  const scores = named(outputs, 'scores') ?? outputs.find((one) => isFloat(one) && isColumn(one));
  const masks = outputs.find((one) => one !== boxes && isFloat(one) && one.shape.length === 4);
  const areDistinct = boxes && labels && scores && new Set([boxes, labels, scores]).size === 3;
  if (!areDistinct || labels.dtype.startsWith('float')) return undefined;
  const names = { boxes: boxes.name, labels: labels.name, scores: scores.name };
  if (inputs.some(({ name }) => name === 'orig_target_sizes')) {
    return {
      task: 'object-detection',
      input: { resize: 'stretch' },
      output: { decoder: 'labelled-boxes', ...names },
      guesses: [],
    };
  }
  const guesses = [
    "output.firstLabel 0, with the background as the first label: torchvision's labels begin so",
    "the boxes are taken for pixels of the input: set output.boxUnits to 'fraction' if they are parts",
    "input.scale 1/255, mean 0, std 1, as torchvision's graphs normalise by themselves: Faster and Mask R-CNN of ONNX' model zoo want input.colourOrder 'bgr', scale 1, mean [102.9801, 115.9465, 122.7717]",
  ];
  // The normalisation is part of torchvision's graphs.
  const input = { resize: 'stretch' } as const;
  if (!masks) {
    return {
      task: 'object-detection',
      input,
      output: { decoder: 'labelled-boxes', ...names },
      guesses,
    };
  }
  return {
    task: 'instance-segmentation',
    input,
    output: { decoder: 'mask-rcnn', ...names, masks: masks.name },
    guesses,
  };
}

/** More boxes than queries of a DETR, or outputs that call themselves boxes and scores. */
const MANY = 1000;

/** Names that label files give to the class that stands for nothing. */
const BACKGROUND = /^_*(?:background|bg)_*$/i;

/** SSD's two outputs, boxes [batch, N, 4] and scores [batch, N, C]. */
export function scoredBoxes(
  { outputs }: OnnxStructure,
  { task, labels }: ModelMetadata,
): RecognisedFamily | undefined {
  if (outputs.length !== 2 || task !== undefined || !outputs.every(isFloat)) return undefined;
  const boxes =
    named(outputs, 'boxes') ?? outputs.find(({ shape }) => shape.length >= 3 && shape.at(-1) === 4);
  const scores = outputs.find((one) => one !== boxes);
  const isRows = boxes?.shape.at(-1) === 4 && scores?.shape.length === 3;
  if (!boxes || !scores || !isRows || boxes.shape[1] !== scores.shape[1]) return undefined;
  const count = boxes.shape[1];
  const isNamed = /^b?boxes$/.test(boxes.name) && /^(scores|confidences|confs)$/.test(scores.name);
  if (!isNamed && !(typeof count === 'number' && count >= MANY)) return undefined;
  const classes = scores.shape[2];
  // pytorch-YOLOv4's boxes and confs know none; a detector of one kind has one, as UltraFace.
  const isYolo = boxes.shape.length === 4 || scores.name === 'confs';
  const isNamedBackground = labels ? BACKGROUND.test(labels[0] ?? '') : classes === 2;
  const hasBackground = !isYolo && isNamedBackground;
  return {
    task: 'object-detection',
    output: {
      decoder: 'scored-boxes',
      boxes: boxes.name,
      scores: scores.name,
      ...(hasBackground ? { backgroundClass: 0 } : {}),
    },
    guesses: [
      "output.boxFormat 'xyxy' in parts of the input: see docs/MODEL-FAMILIES.md for others",
      ...(hasBackground
        ? ['output.backgroundClass 0: leave it out if every class is a thing']
        : isYolo
          ? []
          : [
              'no output.backgroundClass: set it to 0 if the first class is the background, as in SSD',
            ]),
      "output.activation 'none': 'softmax' or 'sigmoid' if the scores are logits",
    ],
  };
}

const isColumn = ({ shape }: Output): boolean => shape.length === 1;
const isRow = ({ shape }: Output, columns: number): boolean =>
  shape.length === 2 && shape[1] === columns;
