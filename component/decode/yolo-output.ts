import { YoloHeadReader } from '../../native/index.ts';
import type { Box } from '../contract/frame.ts';
import { VedetteError } from '../contract/errors.ts';
import type { ModelOutput } from '../contract/model-manifest.ts';
import type { TensorDeclaration, TensorValue } from '../contract/tensor.ts';
import type { DecodeContext, DecoderModel } from './decoder.ts';
import { floatValues, requireFinite, requireOutput, requireScore } from './output-values.ts';
import { sourceBox } from './picture-area.ts';
import { outputMismatch, pickOutput } from './pick-output.ts';
import { thresholdOf } from './score-threshold.ts';
import { headOfTensor } from './yolo-head.ts';
import type { YoloHead } from './yolo-head.ts';

export type HeadShape = TensorDeclaration['shape'];

/**
 * Makes rows [M, channels] with boxes in input pixels of those candidates of a head [channels, N] or
 * [N, channels] that can reach `lowest`.
 */
export type MakeRows = (values: Float32Array, head: YoloHead, lowest: number) => Float32Array;

/** What the decoders of YOLO heads are told alike. */
export interface YoloSettings {
  readonly decoder: ModelOutput['decoder'];
  readonly output?: string | undefined;
  readonly scoreThreshold: number;
  readonly iouThreshold: number;
  readonly maxDetections: number;
  readonly suppression?: 'per-class' | 'agnostic';
}

/** A candidate that is left when duplicates are suppressed. */
export interface YoloCandidate {
  readonly label: string;
  readonly labelIndex: number;
  readonly score: number;
  /** x1, y1, x2, y2 in pixels of the input. Valid, like `extras`, until the next picture. */
  readonly corners: Float32Array;
  /** The channels behind the classes: keypoints, mask coefficients, an angle. */
  readonly extras: Float32Array;
}

export interface YoloBox extends YoloCandidate {
  /** In source pixels. */
  readonly box: Box;
}

/** The output of a graph that holds a YOLO head: which one it is, how it lies, and what it says. */
export class YoloOutput {
  readonly name: string;
  readonly #settings: YoloSettings;
  readonly #model: DecoderModel;
  readonly #headOf: (shape: HeadShape) => YoloHead | string | undefined;
  readonly #declaredHead: YoloHead | undefined;
  readonly #makeRows: MakeRows | undefined;
  readonly #reader = new YoloHeadReader();

  /**
   * @param headOf the head in an output of a shape, what does not fit in words, or `undefined` while
   * too many dimensions are open
   * @param makeRows for heads whose boxes are not yet in input pixels
   * @throws VedetteError MODEL_MISMATCH when no output can be such a head
   */
  constructor(
    settings: YoloSettings,
    declarations: readonly TensorDeclaration[],
    model: DecoderModel,
    headOf: (shape: HeadShape) => YoloHead | string | undefined,
    makeRows?: MakeRows,
  ) {
    const { decoder } = settings;
    const expected = '[1, channels, N] or [1, N, channels]';
    const canBe = (shape: HeadShape) => shape.length === 3;
    const wanted = { decoder, name: settings.output, expected, canBe };
    const output = pickOutput(wanted, declarations);
    const head = output.shape.length === 0 ? undefined : headOf(output.shape);
    if (typeof head === 'string') {
      throw outputMismatch(decoder, `'${output.name}': ${head}`, declarations);
    }
    this.name = output.name;
    this.#settings = settings;
    this.#model = model;
    this.#headOf = headOf;
    this.#declaredHead = head;
    this.#makeRows = makeRows;
  }

  /** The boxes of one picture, best first; those that lie outside of it are left out. */
  read(outputs: ReadonlyMap<string, TensorValue>, context: DecodeContext): YoloBox[] {
    return this.candidates(outputs, context).flatMap((candidate) => {
      const box = sourceBox(candidate.corners, context);
      return box ? [{ ...candidate, box }] : [];
    });
  }

  /**
   * The same wherever they lie.
   * @throws VedetteError OUTPUT_INVALID for NaN, infinite values, scores that are none, and shapes
   * that are not the head's
   */
  candidates(
    outputs: ReadonlyMap<string, TensorValue>,
    context: Pick<DecodeContext, 'thresholds'>,
  ): YoloCandidate[] {
    const tensor = requireOutput(outputs, this.name);
    const head = headOfTensor(tensor, this.#declaredHead, this.#headOf);
    const { iouThreshold, maxDetections, scoreThreshold, suppression } = this.#settings;
    const labels = Array.from(
      { length: head.classCount },
      (_, index) => this.#model.labels[index] ?? String(index),
    );
    const thresholds = Float32Array.from(labels, (label) =>
      thresholdOf(label, context, scoreThreshold),
    );
    const { values, shape } = this.#valuesOf(tensor, head, Math.min(...thresholds));
    const kept = this.#reader.read(values, shape, thresholds, {
      iouThreshold,
      isAgnostic: suppression === 'agnostic',
      limit: maxDetections,
    });
    if (kept.fault?.kind === 'not-finite') throw notFinite(tensor);
    if (kept.fault) requireScore(kept.fault.value, this.name);
    return Array.from({ length: kept.count }, (_, place) => {
      const start = place * kept.rowLength;
      const labelIndex = kept.labels[place]!;
      return {
        label: labels[labelIndex]!,
        labelIndex,
        score: requireScore(kept.rows[start + 4]!, this.name),
        corners: kept.rows.subarray(start, start + 4),
        extras: kept.rows.subarray(start + 5, start + kept.rowLength),
      };
    });
  }

  #valuesOf(tensor: TensorValue, head: YoloHead, lowest: number) {
    if (!this.#makeRows) {
      const anchors = head.layout === 'rows' ? tensor.shape[1]! : tensor.shape[2]!;
      return { values: headValues(tensor), shape: { ...head, anchors } };
    }
    const all = floatValues(tensor);
    requireFinite(tensor, all);
    const values = this.#makeRows(all, head, lowest);
    const anchors = values.length / head.channels;
    return { values, shape: { ...head, layout: 'rows' as const, anchors } };
  }
}

/** float32 and float16 as they are. */
function headValues(tensor: TensorValue): Float32Array | Uint16Array {
  return tensor.dtype === 'float16' ? (tensor.data as Uint16Array) : floatValues(tensor);
}

/** The addon knows that there is such a value; which one, and its index, is looked up here. */
function notFinite(tensor: TensorValue): VedetteError {
  requireFinite(tensor, floatValues(tensor));
  return new VedetteError(
    'INTERNAL',
    `output '${tensor.name}': the addon saw a value that is none`,
  );
}
