import type { ModelOutput } from '../contract/model-manifest.ts';
import type { Detection } from '../contract/result.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import { sigmoid, softmax } from './activation.ts';
import type { DecodeContext, Decoded, Decoder, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { mayBe, outputMismatch, shapeInvalid } from './pick-output.ts';
import { sourceBox } from './picture-area.ts';
import { lowestThreshold, thresholdOf } from './score-threshold.ts';

type Settings = Extract<ModelOutput, { decoder: 'rf-detr' }>;
type Dimensions = TensorDeclaration['shape'];

const DECODER = 'rf-detr';

/**
 * RF-DETR and models with its two outputs (Deformable DETR, LW-DETR): boxes [1, Q, 4] as centre x,
 * centre y, width, height in parts (0–1) of the input, and logits [1, Q, C]. The score of a query and
 * a class is the sigmoid of its logit, or the softmax over the query's classes; the best
 * `maxDetections` of all Q × C pairs that reach the threshold are the detections. Nothing suppresses
 * overlapping boxes: such models are trained to need none. Rule: Carion et al. 2020 and Zhu et al.
 * 2021 (Deformable DETR, `PostProcess`).
 */
export class RfDetrDecoder implements Decoder {
  readonly #settings: Settings;
  readonly #model: DecoderModel;
  readonly #boxes: string;
  readonly #logits: string;

  constructor(settings: Settings, declarations: readonly TensorDeclaration[], model: DecoderModel) {
    this.#settings = settings;
    this.#model = model;
    const { boxes, logits } = pickOutputs(settings, declarations);
    this.#boxes = boxes.name;
    this.#logits = logits.name;
    const classes = logits.shape.at(-1);
    if (typeof classes === 'number' && model.labels.length > classes) {
      throw outputMismatch(
        DECODER,
        `there are ${model.labels.length} labels for the ${classes} classes of '${logits.name}'`,
        declarations,
      );
    }
  }

  outputNames(): readonly string[] {
    return [this.#boxes, this.#logits];
  }

  decode(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): Decoded {
    const boxTensor = requireOutput(outputs, this.#boxes);
    const logitTensor = requireOutput(outputs, this.#logits);
    const queries = queriesOf(boxTensor, '[1, Q, 4]', 4);
    const classes = logitTensor.shape.at(-1) ?? 0;
    if (queriesOf(logitTensor, `[1, ${queries}, C]`, classes) !== queries) {
      throw shapeInvalid(logitTensor, `[1, ${queries}, C], one row for each box`);
    }
    const boxes = floatValues(boxTensor);
    const logits = floatValues(logitTensor);
    requireFinite(boxTensor, boxes);
    requireFinite(logitTensor, logits);
    const detections: Detection[] = [];
    for (const { place, score } of this.#best(logits, classes, context)) {
      const labelIndex = place % classes;
      const label = this.#model.labels[labelIndex] ?? String(labelIndex);
      if (score < thresholdOf(label, context, this.#settings.scoreThreshold)) continue;
      const box = sourceBox(this.#corners(boxes, (place - labelIndex) / classes), context);
      if (!box) continue;
      detections.push({ label, labelIndex, score: requireScore(score, this.#logits), box });
    }
    return { findings: { detections } };
  }

  /** The best pairs of query and class, best first, equal scores in the order of the output. */
  #best(logits: Float32Array, classes: number, context: DecodeContext): Pair[] {
    const { activation, backgroundClass, maxDetections, scoreThreshold } = this.#settings;
    const lowest = lowestThreshold(context, scoreThreshold);
    const pairs: Pair[] = [];
    for (let row = 0; row < logits.length; row += classes) {
      const scores =
        activation === 'softmax' ? softmax(logits.subarray(row, row + classes)) : undefined;
      for (let index = 0; index < classes; index += 1) {
        if (index === backgroundClass) continue;
        const score = scores ? scores[index]! : sigmoid(logits[row + index]!);
        if (score >= lowest) pairs.push({ place: row + index, score });
      }
    }
    pairs.sort((a, b) => b.score - a.score || a.place - b.place);
    return pairs.slice(0, maxDetections);
  }

  #corners(boxes: Float32Array, query: number): number[] {
    const { width, height } = this.#model.spec;
    const [x, y, w, h] = boxes.subarray(query * 4, query * 4 + 4) as unknown as number[];
    return [
      (x! - w! / 2) * width,
      (y! - h! / 2) * height,
      (x! + w! / 2) * width,
      (y! + h! / 2) * height,
    ];
  }
}

interface Pair {
  /** Index into the logits. */
  readonly place: number;
  readonly score: number;
}

/**
 * Boxes and logits: those that are named, else told apart by their last dimension (boxes have 4), and
 * with 4 classes by RF-DETR's own names.
 */
function pickOutputs(
  settings: Pick<Settings, 'boxes' | 'logits'>,
  declarations: readonly TensorDeclaration[],
): { readonly boxes: TensorDeclaration; readonly logits: TensorDeclaration } {
  const find = (name: string): TensorDeclaration => {
    const output = declarations.find((one) => one.name === name);
    if (!output) throw outputMismatch(DECODER, `there is no output '${name}'`, declarations);
    return output;
  };
  const rows = declarations.filter(({ shape, dtype }) => canBeRows(shape, dtype));
  const named = settings.boxes === undefined ? undefined : find(settings.boxes);
  const namedLogits = settings.logits === undefined ? undefined : find(settings.logits);
  const four = rows.filter((one) => one !== namedLogits && mayBe(one.shape.at(-1), 4));
  const boxes =
    named ?? (four.length === 1 ? four[0] : four.find(({ name }) => BOX_NAMES.has(name)));
  const others = rows.filter((one) => one !== boxes);
  const logits = namedLogits ?? (others.length === 1 ? others[0] : undefined);
  if (!boxes || !logits || !rows.includes(boxes) || !rows.includes(logits) || boxes === logits) {
    throw outputMismatch(
      DECODER,
      'expected float boxes [1, Q, 4] and logits [1, Q, C], named in output.boxes and output.logits where they cannot be told apart',
      declarations,
    );
  }
  return { boxes, logits };
}

/** Names that rfdetr's and Hugging Face's exporters give to the boxes. */
const BOX_NAMES: ReadonlySet<string> = new Set(['dets', 'pred_boxes']);

const canBeRows = (shape: Dimensions, dtype: TensorDeclaration['dtype']): boolean =>
  dtype.startsWith('float') && (shape.length === 0 || (shape.length === 3 && mayBe(shape[0], 1)));

/** The number of rows of [1, Q, last]. */
function queriesOf(tensor: TensorValue, expected: string, last: number): number {
  const { shape } = tensor;
  if (shape.length !== 3 || shape[0] !== 1 || shape[2] !== last || last === 0) {
    throw shapeInvalid(tensor, expected);
  }
  return shape[1]!;
}
