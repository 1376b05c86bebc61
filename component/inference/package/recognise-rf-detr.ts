import type { ModelMetadata } from './model-metadata.ts';
import type { OnnxStructure } from './read-onnx.ts';
import type { RecognisedFamily } from './recognised-family.ts';

/** COCO's category ids up to 90, 0, and DETR's «no object». */
const DETR_COCO_CLASSES = 92;

/**
 * RF-DETR's two outputs, `dets` [batch, Q, 4] and `labels` [batch, Q, C], or outputs of such shapes
 * under other names, such as Hugging Face's `pred_boxes` and `logits`: then whether each logit stands
 * for itself (RT-DETR, Deformable DETR) or DETR's «no object» is the last class is a guess. Its public
 * models want ImageNet's normalisation and a stretched picture (rfdetr, `predict`).
 */
export function rfDetr(
  { outputs }: OnnxStructure,
  { task }: ModelMetadata,
): RecognisedFamily | undefined {
  const [first, second] = outputs;
  if (!first || !second || outputs.length !== 2 || task !== undefined) return undefined;
  const areRows = outputs.every(
    ({ dtype, shape }) => dtype.startsWith('float') && shape.length === 3,
  );
  const named = outputs.find(({ name }) => name === 'dets' || name === 'pred_boxes');
  const four = outputs.filter(({ shape }) => shape[2] === 4);
  const boxes = named ?? (four.length === 1 ? four[0] : undefined);
  const logits = boxes === first ? second : first;
  const queries = boxes?.shape[1];
  if (!areRows || !boxes || boxes.shape[2] !== 4 || logits.shape[1] !== queries) return undefined;
  const isRfDetr = boxes.name === 'dets' && logits.name === 'labels';
  const isDetr = boxes.name === 'pred_boxes' && logits.shape[2] === DETR_COCO_CLASSES;
  return {
    task: 'object-detection',
    input: { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    output: {
      decoder: 'rf-detr',
      boxes: boxes.name,
      logits: logits.name,
      ...(isDetr ? { activation: 'softmax', backgroundClass: DETR_COCO_CLASSES - 1 } : {}),
    },
    guesses: guessesOf(isRfDetr, isDetr),
  };
}

function guessesOf(isRfDetr: boolean, isDetr: boolean): string[] {
  if (isRfDetr) return [];
  return [
    isDetr
      ? `output.activation 'softmax' with «no object» as class ${DETR_COCO_CLASSES - 1}, as DETR trained on COCO has it`
      : "output.activation 'sigmoid', as RT-DETR: DETR's own needs 'softmax' and its last class as backgroundClass",
    'the boxes are taken for centre, width and height in parts of the input',
    "input.mean and std of ImageNet: Hugging Face's RT-DETR wants 0 and 1 (see preprocessor_config.json)",
  ];
}
